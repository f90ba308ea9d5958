#include "engine/ring/near_sources.hpp"

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr time_point start{1h};

TEST(NearSourcesTest, NothingIsLiveAtFirst) {
  const near_sources sources;
  EXPECT_FALSE(sources.is_live(5, 0, start)) << "0 is the epoch of no term";
  EXPECT_FALSE(sources.is_live(5, 9, start));
}

TEST(NearSourcesTest, ACopyLivesUntilItsOwnerWasHeard) {
  near_sources sources;
  sources.accept(5, 9, "n2");
  EXPECT_FALSE(sources.is_live(5, 9, start)) << "never heard";
  sources.heard("n2", start + 1s);
  EXPECT_TRUE(sources.is_live(5, 9, start + 1s - 1ns));
  EXPECT_FALSE(sources.is_live(5, 9, start + 1s));
  EXPECT_FALSE(sources.is_live(5, 8, start)) << "of another term";
  EXPECT_FALSE(sources.is_live(6, 9, start)) << "of another slot";
}

TEST(NearSourcesTest, AnAnswerThatIsOlderShortensNothing) {
  near_sources sources;
  sources.accept(5, 9, "n2");
  sources.heard("n2", start + 2s);
  sources.heard("n2", start + 1s);
  EXPECT_TRUE(sources.is_live(5, 9, start + 1500ms));
}

TEST(NearSourcesTest, HearingAnotherNodeDoesNotHelp) {
  near_sources sources;
  sources.accept(5, 9, "n2");
  sources.heard("n3", start + 1s);
  EXPECT_FALSE(sources.is_live(5, 9, start));
  sources.accept(5, 9, "n3");
  EXPECT_TRUE(sources.is_live(5, 9, start)) << "the owner of the same term is now known as n3";
}

TEST(NearSourcesTest, ATermThatEndedIsDeadForGood) {
  near_sources sources;
  sources.heard("n2", start + 1s);
  sources.accept(5, 9, "n2");
  sources.end(5);
  EXPECT_FALSE(sources.is_live(5, 9, start));
  sources.accept(5, 10, "n2");
  EXPECT_FALSE(sources.is_live(5, 9, start));
  EXPECT_TRUE(sources.is_live(5, 10, start));
}

TEST(NearSourcesTest, NodesBeyondItsRoomAreNotBelieved) {
  near_sources sources;
  for (int i = 0; i != 600; ++i) sources.heard("n" + std::to_string(i), start + 1s);
  sources.accept(1, 9, "n0");
  sources.accept(2, 9, "n509");
  sources.accept(3, 9, "n510");
  sources.accept(4, 9, "n599");
  EXPECT_TRUE(sources.is_live(1, 9, start));
  EXPECT_TRUE(sources.is_live(2, 9, start));
  EXPECT_FALSE(sources.is_live(3, 9, start));
  EXPECT_FALSE(sources.is_live(4, 9, start));
}

}  // namespace
}  // namespace weir
