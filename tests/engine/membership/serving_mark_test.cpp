#include "engine/membership/serving_mark.hpp"

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr time_point marked_at{1'000s};

TEST(ServingMarkTest, AProviderThatNeverMarksHasEverybodyCountedAtOnce) {
  serving_mark mark;
  mark.told(std::nullopt, marked_at);
  EXPECT_FALSE(mark.is_used());
  EXPECT_FALSE(mark.is_idle(marked_at));
  EXPECT_TRUE(mark.is_vouched(marked_at));
}

TEST(ServingMarkTest, WhoHasNeverServedIsIdle) {
  serving_mark mark;
  mark.told(false, marked_at);
  EXPECT_TRUE(mark.is_idle(marked_at + 1h));
  EXPECT_FALSE(mark.is_vouched(marked_at + 1h));
}

TEST(ServingMarkTest, WhoServesIsHeededSoonAndVouchedForLater) {
  serving_mark mark;
  mark.told(false, marked_at);
  mark.told(true, marked_at + 1s);
  EXPECT_TRUE(mark.is_idle(marked_at + 1s));
  EXPECT_FALSE(mark.is_idle(marked_at + 1s + heeded_after));
  EXPECT_FALSE(mark.is_vouched(marked_at + vouched_after));
  EXPECT_TRUE(mark.is_vouched(marked_at + 1s + vouched_after));
}

TEST(ServingMarkTest, WhoMayHaveServedForLongIsHeededAtOnce) {
  serving_mark mark;
  mark.told(true, marked_at, 0ms);
  EXPECT_FALSE(mark.is_idle(marked_at));
}

TEST(ServingMarkTest, WhoHasServedOnceIsNeverIdleAgain) {
  serving_mark mark;
  mark.told(true, marked_at);
  mark.told(false, marked_at + 20s);
  EXPECT_FALSE(mark.is_idle(marked_at + 20s));
  EXPECT_TRUE(mark.is_vouched(marked_at + vouched_after));
}

TEST(ServingMarkTest, AMarkOfDiscoveryThatFailsSaysNothing) {
  serving_mark mark;
  mark.told(false, marked_at);
  mark.told(std::nullopt, marked_at + 1s);
  EXPECT_FALSE(mark.is_idle(marked_at + 1s));
  EXPECT_FALSE(mark.is_vouched(marked_at + 1h));
  mark.told(false, marked_at + 2s);
  EXPECT_TRUE(mark.is_idle(marked_at + 2s));
}

TEST(ServingMarkTest, AfterALongFailureItMayHaveServedMeanwhile) {
  serving_mark mark;
  mark.told(false, marked_at);
  mark.told(std::nullopt, marked_at + 1s);
  mark.told(false, marked_at + 1min);
  EXPECT_FALSE(mark.is_idle(marked_at + 1min));
  EXPECT_FALSE(mark.is_vouched(marked_at + 1h));
}

}  // namespace
}  // namespace weir
