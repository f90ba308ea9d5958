// Caches that are emptied at once, over a source that refuses what it cannot take.

#include "tests/sim/courses/sim_refill.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace weir::sim {
namespace {

/// A tenth of what `weir_sim --refill` plays, in the same proportions.
class RefillTest : public testing::TestWithParam<emptied_by> {
 protected:
  static refill_plan plan(std::size_t concurrent) {
    return {
        .seed = 3,
        .how = GetParam(),
        .keys = 2'000,
        .reads_per_second = 1'000,
        .loads_per_second = 100,
        .concurrent = concurrent,
        .seconds = 30,
    };
  }
};

TEST_P(RefillTest, TheHitRatioComesBack) {
  const auto course = play_refill(plan(64));
  EXPECT_GT(course.before, 0.98);
  EXPECT_NE(course.recovered_after, 0);
  EXPECT_EQ(course.unanswered, 0u);
}

TEST_P(RefillTest, TheSourceIsNeverAskedMoreAtOnceThanItsLimit) {
  const auto course = play_refill(plan(2));
  EXPECT_EQ(course.most_running, 2u);
  EXPECT_NE(course.recovered_after, 0);
  EXPECT_EQ(course.unanswered, 0u);
}

TEST_P(RefillTest, WhatTheSourceTakesIsUsedWhileItIsWanted) {
  std::uint64_t refused = 0, failed = 0;
  for (const auto& each : play_refill(plan(64)).seconds) {
    const auto wanted = std::min<std::uint64_t>(100, each.taken + each.refused);
    EXPECT_GE(each.taken, wanted * 9 / 10);
    refused += each.refused;
    failed += each.failed;  // it may be a second later
  }
  EXPECT_LE(refused, failed) << "nothing is asked again that no client wants";
}

INSTANTIATE_TEST_SUITE_P(
    Caches,
    RefillTest,
    testing::Values(emptied_by::clear, emptied_by::restart),
    [](const auto& of) { return of.param == emptied_by::clear ? "Cleared" : "Restarted"; }
);

}  // namespace
}  // namespace weir::sim
