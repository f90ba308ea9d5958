#include "engine/membership/health.hpp"

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace std::chrono_literals;

class HealthTest : public ::testing::Test {
 protected:
  void see(health_event event, std::chrono::milliseconds later = 0ms) {
    now_ += later;
    peer_ = next(peer_, event, now_, settings_, may_eject_);
  }

  bool is_reachable() const { return peer_.now == health::state::reachable; }

  bool is_unreachable() const { return peer_.now == health::state::unreachable; }

  health_settings settings_;
  health peer_;
  time_point now_{};
  bool may_eject_ = true;
};

TEST_F(HealthTest, APeerIsReachableOnceItIsProven) {
  EXPECT_FALSE(is_reachable());
  see(health_event::proven);
  EXPECT_TRUE(is_reachable());
}

TEST_F(HealthTest, ThreeMissesInARowMakeItUnreachable) {
  see(health_event::proven);
  see(health_event::missed);
  see(health_event::missed);
  EXPECT_TRUE(is_reachable());
  see(health_event::missed);
  EXPECT_TRUE(is_unreachable());
}

TEST_F(HealthTest, AnAnswerBetweenForgivesTheMisses) {
  see(health_event::proven);
  see(health_event::missed);
  see(health_event::missed);
  see(health_event::answered);
  see(health_event::missed);
  see(health_event::missed);
  EXPECT_TRUE(is_reachable());
}

TEST_F(HealthTest, HardEvidenceCountsAtOnceAndAlways) {
  may_eject_ = false;
  see(health_event::proven);
  see(health_event::lost);
  EXPECT_TRUE(is_unreachable());
}

TEST_F(HealthTest, SoftEvidenceIsIgnoredWhenNoMorePeersMayBeTakenOut) {
  may_eject_ = false;
  see(health_event::proven);
  for (int i = 0; i != 10; ++i) see(health_event::missed);
  EXPECT_TRUE(is_reachable());
}

TEST_F(HealthTest, ItStaysOutForTwoSecondsAtLeast) {
  see(health_event::proven);
  see(health_event::lost);
  see(health_event::proven, 1999ms);
  EXPECT_TRUE(is_unreachable());
  see(health_event::answered, 1ms);
  EXPECT_TRUE(is_reachable());
}

TEST_F(HealthTest, TheTimeOutDoublesUpToFifteenSeconds) {
  see(health_event::proven);
  for (const auto expected : {2000ms, 4000ms, 8000ms, 15'000ms, 15'000ms}) {
    see(health_event::lost);
    EXPECT_EQ(peer_.ejection, expected);
    see(health_event::proven, expected);
    EXPECT_TRUE(is_reachable());
  }
}

TEST_F(HealthTest, FiveWellMinutesAreForgivenEverything) {
  see(health_event::proven);
  see(health_event::lost);
  see(health_event::proven, 2s);
  see(health_event::lost, 300s);
  EXPECT_EQ(peer_.ejection, 2s);
}

TEST_F(HealthTest, ARefusedDialOfAnUnprovenPeerChangesNothing) {
  see(health_event::lost);
  EXPECT_EQ(peer_.now, health::state::unproven);
}

}  // namespace
}  // namespace weir
