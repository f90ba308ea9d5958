// Seeds that once broke a promise, under the name of what was wrong.

#include "tests/sim/courses/sim_scenario.hpp"

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

TEST(SimRegression, Seed3246ATwiceBereavedNodeConfirmedChangesByItsOwnVote) {
  expect_kept(3246);
}

TEST(SimRegression, Seed3270ANodeThoughtItKnewTheMembersBeforeDiscoveryHadAnswered) {
  expect_kept(3270);
}

TEST(SimRegression, Seed3393AnAnswerFromBeforeAFreezeHandedOverNoHints) {
  expect_kept(3393);
}

TEST(SimRegression, Seed3582ANodeVotedAsSoonAsItWentOn) {
  expect_kept(3582);
}

TEST(SimRegression, Seed20237AReaderGotAFailureFromBeforeItsTime) {
  expect_kept(20237);
}

TEST(SimRegression, Seed1AStrangerWithALeaseMissedAChange) {
  expect_kept(1, flavour::goodbyes);
}

TEST(SimRegression, Seed36ACopyWasFetchedFromAnOwnerThatTheFirstRoundDidNotReach) {
  expect_kept(36, flavour::goodbyes);
}

}  // namespace

}  // namespace weir::sim
