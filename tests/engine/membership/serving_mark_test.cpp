#include "engine/membership/serving_mark.hpp"

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr time_point start{1'000s};

TEST(ServingMarkTest, AProviderThatNeverMarksHasEverybodyCountedAtOnce) {
  serving_mark mark;
  mark.told(std::nullopt, start);
  EXPECT_FALSE(mark.is_used());
  EXPECT_FALSE(mark.is_idle(start));
  EXPECT_TRUE(mark.is_vouched(start));
}

TEST(ServingMarkTest, WhoHasNeverServedIsIdle) {
  serving_mark mark;
  mark.told(false, start);
  EXPECT_TRUE(mark.is_idle(start + 1h));
  EXPECT_FALSE(mark.is_vouched(start + 1h));
}

TEST(ServingMarkTest, WhoServesIsHeededSoonAndVouchedForLater) {
  serving_mark mark;
  mark.told(false, start);
  mark.told(true, start + 1s);
  EXPECT_TRUE(mark.is_idle(start + 1s));
  EXPECT_FALSE(mark.is_idle(start + 1s + heeded_after));
  EXPECT_FALSE(mark.is_vouched(start + vouched_after));
  EXPECT_TRUE(mark.is_vouched(start + 1s + vouched_after));
}

TEST(ServingMarkTest, WhoMayHaveServedForLongIsHeededAtOnce) {
  serving_mark mark;
  mark.told(true, start, 0ms);
  EXPECT_FALSE(mark.is_idle(start));
}

TEST(ServingMarkTest, WhoHasServedOnceIsNeverIdleAgain) {
  serving_mark mark;
  mark.told(true, start);
  mark.told(false, start + 20s);
  EXPECT_FALSE(mark.is_idle(start + 20s));
  EXPECT_TRUE(mark.is_vouched(start + vouched_after));
}

TEST(ServingMarkTest, AMarkOfDiscoveryThatFailsSaysNothing) {
  serving_mark mark;
  mark.told(false, start);
  mark.told(std::nullopt, start + 1s);
  EXPECT_FALSE(mark.is_idle(start + 1s));
  EXPECT_FALSE(mark.is_vouched(start + 1h));
  mark.told(false, start + 2s);
  EXPECT_TRUE(mark.is_idle(start + 2s));
}

TEST(ServingMarkTest, AfterALongFailureItMayHaveServedMeanwhile) {
  serving_mark mark;
  mark.told(false, start);
  mark.told(std::nullopt, start + 1s);
  mark.told(false, start + 1min);
  EXPECT_FALSE(mark.is_idle(start + 1min));
  EXPECT_FALSE(mark.is_vouched(start + 1h));
}

}  // namespace
}  // namespace weir
