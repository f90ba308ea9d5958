#pragma once

#include "tests/support/cluster/history.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace weir::test {

struct check_options {
  /// Time to live per keyspace; a key without one is not checked for C2.
  std::map<std::string, std::chrono::milliseconds> ttl;
  /// Beyond deadline + this + lag an answer is late: the promise's 100 ms, doubled for a machine
  /// that others use.
  std::chrono::milliseconds grace{200};
};

/// What the checkers found. Violations hold the first twenty in words.
struct findings {
  std::size_t corrupt = 0;             ///< C1
  std::size_t too_old = 0;             ///< C2
  std::size_t stale_after_ok = 0;      ///< C3
  std::size_t stale_after_bound = 0;   ///< C4
  std::size_t session_went_back = 0;   ///< C5
  std::size_t most_loads_at_once = 0;  ///< C6, of one key, outside faults
  std::size_t cached_errors = 0;       ///< C7
  std::size_t lost = 0;                ///< C8: no outcome
  std::size_t late = 0;                ///< C8: an outcome, but too late
  std::vector<std::string> violations;

  std::size_t all() const {
    return corrupt + too_old + stale_after_ok + stale_after_bound + session_went_back +
           cached_errors + lost + late;
  }
};

/// Checks the promises C1 to C8 on what happened, in time linear in it but for sorting.
findings check(const history& of, const check_options& options);

/// How long a fault was felt after its cause had ended.
struct recovery {
  std::chrono::milliseconds time{0};
  int node = 0;             ///< the last to recover; 0 = nobody was disturbed
  std::string_view lacked;  ///< what that node did last: "a cached read" or "a confirmed change"
};

/// Figures of one run.
struct figures {
  std::size_t reads = 0, changes = 0;
  std::array<std::size_t, outcome_count> reads_by{}, changes_by{};
  std::size_t purges = 0, purges_ok = 0;
  double cached_during = 0, cached_between = 0;  ///< share of the reads that nodes took
  double ok_during = 0, ok_between = 0;          ///< share of the invalidations that nodes took
  std::vector<recovery> recoveries;              ///< in the order of the faults
  history_clock::duration worst_lag{0};
};

/// A fault is over for a node with its first cached read and its first confirmed invalidation
/// that begin after the cause ended.
figures summarize(const history& of);

/// Prints both, a line per subject, each beginning with `title`.
void print(const std::string& title, const figures& numbers, const findings& found);

}  // namespace weir::test
