// The checkers themselves: each promise broken once in a made-up history, and kept once.

#include "tests/support/cluster/history_check.hpp"

#include <gtest/gtest.h>

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

time_point at(milliseconds when) {
  return time_point(1000s) + when;
}

class HistoryCheckTest : public ::testing::Test {
 protected:
  // A load of things/k at that time, and a read that returns its value.
  std::uint64_t load(milliseconds begin, std::uint64_t version) {
    history_.loads.push_back({"things/k", version, at(begin), at(begin + 1ms)});
    return history_.loads.size() - 1;
  }

  request_record& read(milliseconds begin, std::uint64_t number) {
    auto& made = add(operation::read, outcome::value, begin, begin + 1ms);
    made.load = number;
    made.version = history_.loads[number].version;
    return made;
  }

  request_record& add(operation what, outcome result, milliseconds begin, milliseconds end) {
    request_record one;
    one.what = what;
    one.result = result;
    one.node = 1;
    one.key = "things/k";
    one.connection = history_.requests.size() + 1;
    one.begin = at(begin);
    one.end = at(end);
    one.timeout = 1s;
    history_.requests.push_back(one);
    return history_.requests.back();
  }

  request_record& purge(
      outcome result, milliseconds begin, milliseconds end, std::uint64_t version
  ) {
    auto& made = add(operation::purge, result, begin, end);
    made.version = version;
    return made;
  }

  findings check_it() const { return check(history_, {.ttl = {{"things", 10s}}}); }

  history history_;
};

TEST_F(HistoryCheckTest, AHistoryThatKeepsEverythingHasNoFindings) {
  const auto old = load(0ms, 1);
  read(1ms, old);
  purge(outcome::ok, 10ms, 20ms, 2);
  read(15ms, old);  // began before the OK
  read(21ms, load(20ms, 2));
  EXPECT_EQ(check_it().all(), 0);
}

TEST_F(HistoryCheckTest, C1_WrongBytesAndValuesThatNobodyMadeAreFound) {
  const auto made = load(0ms, 1);
  read(1ms, made).is_whole = false;
  read(2ms, made).version = 7;
  read(3ms, made).load = 99;
  add(operation::read, outcome::not_found, 4ms, 5ms);
  EXPECT_EQ(check_it().corrupt, 4);
}

TEST_F(HistoryCheckTest, C1_AKeyThatWasRemovedMayBeAbsent) {
  add(operation::remove, outcome::ok, 0ms, 1ms);
  add(operation::read, outcome::not_found, 4ms, 5ms);
  EXPECT_EQ(check_it().all(), 0);
}

TEST_F(HistoryCheckTest, C2_AValueOlderThanItsTimeToLiveIsFound) {
  const auto made = load(0ms, 1);
  read(9'990ms, made);
  EXPECT_EQ(check_it().too_old, 0);
  read(10'100ms, made);
  EXPECT_EQ(check_it().too_old, 1);
}

TEST_F(HistoryCheckTest, C3_AStaleReadAfterOkIsFoundOnAnyNode) {
  const auto old = load(0ms, 1);
  purge(outcome::ok, 10ms, 20ms, 2);
  read(21ms, old).node = 3;
  EXPECT_EQ(check_it().stale_after_ok, 1);
}

TEST_F(HistoryCheckTest, C3_ALaterChangeDoesNotExcuseAnEarlierVersion) {
  load(0ms, 1);
  const auto middle = load(15ms, 2);
  purge(outcome::ok, 10ms, 20ms, 2);
  purge(outcome::ok, 30ms, 60ms, 3);
  read(40ms, middle);
  EXPECT_EQ(check_it().all(), 0);
  read(61ms, middle);
  EXPECT_EQ(check_it().stale_after_ok, 1);
}

TEST_F(HistoryCheckTest, C3_APutThatWasNotConfirmedMayShowLateButNotForEver) {
  auto& put = add(operation::put, outcome::unknown, 0ms, 5ms);
  put.version = 2;
  put.load = first_put;
  purge(outcome::ok, 10ms, 20ms, 3);
  auto& stray = add(operation::read, outcome::value, 30ms, 31ms);
  stray.version = 2;
  stray.load = first_put;
  EXPECT_EQ(check_it().all(), 0);
  purge(outcome::ok, 20'000ms, 20'001ms, 4);
  auto& late = add(operation::read, outcome::value, 20'010ms, 20'011ms);
  late.version = 2;
  late.load = first_put;
  EXPECT_EQ(check_it().stale_after_ok, 1);
}

TEST_F(HistoryCheckTest, C4_APartialChangeCountsOnceItsBoundIsOver) {
  const auto old = load(0ms, 1);
  purge(outcome::partial, 10ms, 20ms, 2).bound = 3300ms;
  read(3'000ms, old);
  EXPECT_EQ(check_it().all(), 0);
  read(3'400ms, old);
  EXPECT_EQ(check_it().stale_after_bound, 1);
}

TEST_F(HistoryCheckTest, C5_ASessionThatGoesBackIsFound) {
  const auto made = load(0ms, 1);
  for (const auto& [when, sequence] : {std::pair{1ms, 5}, std::pair{2ms, 4}}) {
    auto& one = read(when, made);
    one.connection = 77;
    one.epoch = 1;
    one.sequence = static_cast<std::uint64_t>(sequence);
  }
  EXPECT_EQ(check_it().session_went_back, 1);
}

TEST_F(HistoryCheckTest, C5_ASessionSeesItsOwnPartialChange) {
  const auto old = load(0ms, 1);
  auto& own = purge(outcome::partial, 10ms, 20ms, 2);
  own.connection = 77;
  own.bound = 3300ms;
  read(30ms, old).connection = 77;
  EXPECT_EQ(check_it().session_went_back, 1);
}

TEST_F(HistoryCheckTest, C6_LoadsOfOneKeyAtOneTimeAreCounted) {
  load(0ms, 1);
  history_.loads.back().end = at(50ms);
  load(10ms, 1);
  load(100ms, 1);
  EXPECT_EQ(check_it().most_loads_at_once, 2);
}

TEST_F(HistoryCheckTest, C7_AnErrorOfAHealthySourceIsFound) {
  add(operation::read, outcome::source_error, 10ms, 20ms);
  EXPECT_EQ(check_it().cached_errors, 1);
  history_.source_failures.push_back({at(0ms), at(15ms)});
  EXPECT_EQ(check_it().cached_errors, 0);
}

TEST_F(HistoryCheckTest, C8_LostAndLateRequestsAreFoundWhereTheNodeWasUp) {
  add(operation::read, outcome::none, 0ms, 4'000ms);
  add(operation::read, outcome::connection_lost, 10ms, 20ms);
  add(operation::read, outcome::deadline, 0ms, 1'300ms);
  EXPECT_EQ(check_it().lost, 2);
  EXPECT_EQ(check_it().late, 1);
  history_.lag[second_of(at(500ms))] = 150ms;  // the driver itself was late
  EXPECT_EQ(check_it().late, 0);
  history_.down[1].push_back({at(0ms), at(5'000ms)});
  EXPECT_EQ(check_it().all(), 0);
}

TEST_F(HistoryCheckTest, RecoveryLastsUntilEveryNodeServesFromCacheAndConfirms) {
  history_.faults.push_back({"kill", {at(0ms), at(100ms)}});
  for (const int node : {1, 2}) {
    const auto begin = 100ms * node;
    auto& hit = read(begin + 50ms, load(0ms, 1));
    hit.node = node;
    hit.is_cached = true;
    purge(outcome::ok, begin + 60ms, begin + 80ms, 1).node = node;
  }
  const auto numbers = summarize(history_);
  ASSERT_EQ(numbers.recoveries.size(), 1);
  EXPECT_EQ(numbers.recoveries[0].time, 180ms);
  EXPECT_EQ(numbers.recoveries[0].node, 2);
}

}  // namespace
}  // namespace weir::test
