// Seeds that once broke a promise, under the name of what was wrong.
//
// A seed is another run as soon as a change draws one random number more, so each also names the rule
// that cures it: with that rule off, the same kind of trouble must break a promise still. What tests of
// the engine play step by step (conformance_near_test.cpp: T15, T21) has no seed here.

#include "tests/sim/judges/sim_mutations.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string_view>

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

/// Expects that one of the first `seeds` breaks a promise without `rule`.
void expect_needed(std::string_view rule, std::uint64_t seeds) {
  const auto all = mutations();
  const auto is_it = [rule](const mutation& each) { return each.name == rule; };
  const auto found = std::find_if(all.begin(), all.end(), is_it);
  ASSERT_NE(found, all.end()) << rule;
  EXPECT_NE(hunt(*found, seeds).seed, 0u) << "nothing shows that " << rule << " is needed";
}

// The rule behind it, agree_on_views, takes too long to show here: `weir_sim --mutations` hunts it.
TEST(SimRegression, Seed78ANodeThatHadJustStartedOutvotedAViewItDidNotKnow) {
  expect_kept(78);
}

TEST(SimRegression, Seed117AReaderJoinedALoadThatHadSleptThroughAFreeze) {
  expect_kept(117);
  expect_needed("join_only_with_lease", 5);
}

TEST(SimRegression, Seed152AFlightBegunWithoutALeaseWasKeptThoughAChangeHadPassed) {
  expect_kept(152);
  expect_needed("fence_at_load_end", 5);
}

TEST(SimRegression, Seed3246ATwiceBereavedNodeConfirmedChangesByItsOwnVote) {
  expect_kept(3246);
  expect_needed("half_of_named", 5);
}

TEST(SimRegression, Seed3270ANodeThoughtItKnewTheMembersBeforeDiscoveryHadAnswered) {
  expect_kept(3270);
  expect_needed("lone_only_when_told", 5);
}

TEST(SimRegression, Seed3393AnAnswerFromBeforeAFreezeHandedOverNoHints) {
  expect_kept(3393);
  expect_needed("keep_hints", 5);
}

TEST(SimRegression, Seed3582ANodeVotedAsSoonAsItWentOn) {
  expect_kept(3582);
  expect_needed("rest_after_pause", 5);
}

// No rule switches its cure off.
TEST(SimRegression, Seed20237AReaderGotAFailureFromBeforeItsTime) {
  expect_kept(20237);
}

TEST(SimRegression, Seed1AStrangerWithALeaseMissedAChange) {
  expect_kept(1, flavour::goodbyes);
  expect_needed("strangers_may_hold_leases", 5);
}

TEST(SimRegression, Seed36ACopyWasFetchedFromAnOwnerThatTheFirstRoundDidNotReach) {
  expect_kept(36, flavour::goodbyes);
  expect_needed("two_rounds_across_views", 10);
}

}  // namespace

}  // namespace weir::sim
