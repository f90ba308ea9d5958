// Seeds that once broke a promise, under the name of what was wrong.

#include "tests/sim/sim_scenario.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace weir::sim {

namespace {

void expect_kept(std::uint64_t seed, flavour about = flavour::general) {
  scenario what;
  what.seed = seed;
  what.about = about;
  const verdict found = play(what);
  EXPECT_TRUE(found.violations.empty())
      << found.violations.size() << " violations; the first: " << found.violations.front();
}

TEST(SimRegression, Seed9AnInvalidationBecameANearCopyOfNothing) {
  expect_kept(9);
}

TEST(SimRegression, Seed2AnOlderNearCopyWasServedAfterALaterVersionHadPassed) {
  expect_kept(2);
}

TEST(SimRegression, Seed78ANodeThatHadJustStartedOutvotedAViewItDidNotKnow) {
  expect_kept(78);
}

TEST(SimRegression, Seed117AReaderJoinedALoadThatHadSleptThroughAFreeze) {
  expect_kept(117);
}

TEST(SimRegression, Seed152AFlightBegunWithoutALeaseWasKeptThoughAChangeHadPassed) {
  expect_kept(152);
}

}  // namespace

}  // namespace weir::sim
