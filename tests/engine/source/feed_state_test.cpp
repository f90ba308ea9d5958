#include "engine/source/feed_state.hpp"

#include <gtest/gtest.h>

namespace weir {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using state = feed_status::state;

constexpr time_point feed_start{seconds(1'000)};
constexpr std::uint64_t longest_draw = UINT64_MAX;

TEST(FeedStateTest, IsNotLiveBeforeTheFirstReset) {
  feed_state feed;
  feed.began(feed_start);
  feed.covered(feed_start, feed_start);
  EXPECT_EQ(feed.state(feed_start), state::connecting);
  EXPECT_LE(feed.live_until(), feed_start);
  feed.reset(feed_start + seconds(1));
  EXPECT_EQ(feed.state(feed_start + seconds(1)), state::live);
  EXPECT_EQ(feed.live_until(), feed_start + seconds(4));
}

TEST(FeedStateTest, LivesForThreeSecondsFromTheQuestionNotFromItsAnswer) {
  feed_state feed;
  feed.began(feed_start);
  feed.reset(feed_start);
  feed.covered(feed_start + seconds(1), feed_start + seconds(2));
  EXPECT_EQ(feed.live_until(), feed_start + seconds(4));
  feed.covered(feed_start + seconds(1), feed_start + seconds(9));  // said to one that stood still
  EXPECT_EQ(feed.state(feed_start + seconds(9)), state::stale);
  EXPECT_EQ(feed.since(feed_start + seconds(9)), feed_start + seconds(4));
}

TEST(FeedStateTest, ASilentConnectionIsCutOnce) {
  feed_state feed;
  feed.began(feed_start);
  feed.reset(feed_start);
  EXPECT_FALSE(feed.tick(feed_start + milliseconds(2'999)));
  EXPECT_TRUE(feed.tick(feed_start + seconds(3)));
  EXPECT_FALSE(feed.tick(feed_start + seconds(4)));
}

TEST(FeedStateTest, ADialThatDoesNotEndIsCut) {
  feed_state feed;
  feed.began(feed_start);
  EXPECT_FALSE(feed.tick(feed_start + seconds(5)));
  EXPECT_TRUE(feed.tick(feed_start + milliseconds(5'001)));
}

TEST(FeedStateTest, DelaysGrowToFiveSecondsAndAShareIsDrawn) {
  feed_state feed;
  auto longest = steady_duration(0);
  auto before = steady_duration(0);
  for (int i = 0; i != 20; ++i) {
    feed.began(feed_start);
    const auto delay = feed.ended(feed_start, longest_draw) - feed_start;
    EXPECT_GE(delay, before);
    before = delay;
    longest = std::max(longest, delay);
  }
  EXPECT_LE(longest, seconds(5));
  EXPECT_GT(longest, milliseconds(4'999));
  feed.began(feed_start);
  EXPECT_EQ(feed.ended(feed_start, 0), feed_start);
}

TEST(FeedStateTest, OnlyALongLifeShortensTheDelay) {
  feed_state feed;
  for (int i = 0; i != 20; ++i) feed.ended(feed_start, longest_draw);
  feed.began(feed_start);
  feed.reset(feed_start);
  EXPECT_GT(feed.ended(feed_start + seconds(2), longest_draw), feed_start + seconds(6));
  feed.began(feed_start);
  feed.reset(feed_start);
  EXPECT_LT(feed.ended(feed_start + seconds(3), longest_draw), feed_start + milliseconds(3'050));
}

TEST(FeedStateTest, ASilenceThatWasCutAfterALongLifeIsALongLife) {
  feed_state feed;
  for (int i = 0; i != 20; ++i) feed.ended(feed_start, longest_draw);
  feed.began(feed_start);
  feed.reset(feed_start);
  EXPECT_TRUE(feed.tick(feed_start + seconds(4)));
  EXPECT_LT(feed.ended(feed_start + seconds(4), longest_draw), feed_start + milliseconds(4'050));
  EXPECT_EQ(feed.resets(), 1u);
}

}  // namespace
}  // namespace weir
