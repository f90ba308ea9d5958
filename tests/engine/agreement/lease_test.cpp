#include "engine/agreement/lease.hpp"

#include <gtest/gtest.h>

#include <string>

namespace weir {
namespace {

using namespace std::chrono_literals;

/// The lease of n0, of three.
class LeaseTest : public ::testing::Test {
 protected:
  LeaseTest() {
    for (const auto* id : {"n1", "n2"}) who_.add({id, 1});
  }

  /// `id`, in that life, answered a heartbeat that left at `sent`; it arrives `now`.
  lease::event answered(
      const std::string& id, std::uint64_t life, time_point sent, time_point now
  ) {
    lease_.grant(id, life, sent + lease_time, now);
    return lease_.update(who_, now, {});
  }

  electorate who_{{"n0", 1}};
  lease lease_;
  const time_point start_{};
};

TEST_F(LeaseTest, ComesBackWithTheHintsOfAMajorityInTheirFormerLives) {
  ASSERT_EQ(answered("n1", 1, start_, start_), lease::event::gained);
  const auto later = start_ + 10s;
  EXPECT_EQ(answered("n1", 1, later, later), lease::event::kept);
}

TEST_F(LeaseTest, OneThatLostItsMemoryHandsOverNothing) {
  ASSERT_EQ(answered("n1", 1, start_, start_), lease::event::gained);
  const auto later = start_ + 10s;
  EXPECT_EQ(answered("n1", 2, later, later), lease::event::dropped);
}

TEST_F(LeaseTest, AnAnswerFromBeforeAFreezeHandsOverNothing) {
  ASSERT_EQ(answered("n1", 1, start_, start_), lease::event::gained);
  ASSERT_EQ(answered("n2", 1, start_ + 1s, start_ + 1s), lease::event::none);
  const auto thawed = start_ + 10s;
  // n2 has voted since, and n1 forgot that it did.
  EXPECT_EQ(answered("n2", 1, start_ + 2s, thawed), lease::event::none);
  EXPECT_EQ(answered("n1", 2, thawed, thawed), lease::event::dropped);
}

TEST_F(LeaseTest, WhatOneHandedOverWhoseGrantIsOverAgainCountsNoMore) {
  ASSERT_EQ(answered("n1", 1, start_, start_), lease::event::gained);
  who_.add({"n3", 1});
  who_.add({"n4", 1});  // more must answer now
  const auto later = start_ + 10s;
  EXPECT_EQ(answered("n1", 1, later, later), lease::event::none);
  const auto much_later = later + 10s;
  EXPECT_EQ(answered("n2", 2, much_later, much_later), lease::event::none);
  EXPECT_EQ(answered("n3", 1, much_later, much_later), lease::event::dropped);
}

TEST(GrantedLeasesTest, VotesOnceALeaseHasRunOutOnEveryClock) {
  const time_point start{};
  granted_leases granted(start);
  for (auto now = start; now <= start + 10s; now += 1s) granted.tick(now);
  ASSERT_TRUE(granted.grant({"n1", 1}, false, start + 10s));
  granted.tick(start + 11s);
  granted.tick(start + 12s);
  EXPECT_FALSE(granted.is_over({"n1", 1}, start + 10s + lease_ended_everywhere));
  EXPECT_TRUE(granted.is_over({"n1", 1}, start + 11ms + 10s + lease_ended_everywhere));
}

TEST(GrantedLeasesTest, OneThatStoodStillVotesOnlyAfterAWhile) {
  const time_point start{};
  granted_leases granted(start);
  for (auto now = start; now <= start + 10s; now += 1s) granted.tick(now);
  auto now = start + 20s;
  EXPECT_FALSE(granted.is_over({"n1", 1}, now));
  for (; now < start + 20s + lease_ended_everywhere; now += 1s) {
    granted.tick(now);
    EXPECT_FALSE(granted.is_over({"n1", 1}, now));
  }
  granted.tick(now);
  EXPECT_TRUE(granted.is_over({"n1", 1}, now));
}

}  // namespace
}  // namespace weir
