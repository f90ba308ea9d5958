#include "node/settled.hpp"

#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace std::chrono_literals;

constexpr time_point started{100s};

check_state judged(settling_facts facts, time_point now) {
  facts.started = started;
  return settled_check(facts, now).state;
}

constexpr settling_progress complete{.has_had_slots = true, .is_relied_on = true};

TEST(Settled, ANodeWaitsForLeaseAndKeysAndUntilOthersMayRelyOnIt) {
  EXPECT_EQ(judged({}, started), check_state::failed);
  EXPECT_EQ(judged({.progress = {.has_had_slots = true}}, started), check_state::failed);
  EXPECT_EQ(judged({.progress = {.is_relied_on = true}}, started), check_state::failed);
  EXPECT_EQ(judged({.progress = complete}, started), check_state::passed);
}

TEST(Settled, OnceIsForEver) {
  EXPECT_EQ(judged({.was_settled = true}, started), check_state::passed);
}

TEST(Settled, AMajorityThatIsGoneBlocksNobodyForEver) {
  EXPECT_EQ(judged({}, started + 60s - 1ns), check_state::failed);
  EXPECT_EQ(judged({}, started + 60s), check_state::passed);
  EXPECT_EQ(judged({}, started + 24h), check_state::passed);
}

TEST(Settled, OneThatDrainsIsNotHoweverLongItWas) {
  const settling_facts going{.progress = complete, .was_settled = true, .is_draining = true};
  EXPECT_EQ(judged(going, started), check_state::failed);
  EXPECT_EQ(judged({.is_draining = true}, started + 24h), check_state::failed);
}

TEST(Settled, SaysWhatItWaitsForAndHowLongAtMost) {
  const auto detail = [](time_point now) {
    return settled_check({.started = started}, now).detail;
  };
  EXPECT_NE(detail(started).find("no lease"), std::string::npos);
  EXPECT_NE(detail(started).find("settled in 60 s"), std::string::npos);
  EXPECT_NE(detail(started + 59'001ms).find("settled in 1 s"), std::string::npos);
  EXPECT_EQ(detail(started + 60s), "");
}

}  // namespace
}  // namespace weir
