#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace weir::test {

using history_clock = std::chrono::steady_clock;
using time_point = history_clock::time_point;

enum class operation : std::uint8_t { read, purge, put, remove };

/// What became of a request: exactly one of these.
enum class outcome : std::uint8_t {
  none,  ///< no answer long after the deadline: lost
  value,
  not_found,
  ok,       ///< a change that every node confirmed: 200 or 204
  partial,  ///< 202
  overloaded,
  unavailable,
  deadline,
  source_error,
  unknown,          ///< a change that may have happened
  refused,          ///< no connection
  connection_lost,  ///< it ended before the answer
  other,            ///< any other status: a mistake somewhere
};

constexpr std::size_t outcome_count = 13;
std::string_view name(outcome of) noexcept;

/// One request of the driver.
struct request_record {
  operation what = operation::read;
  outcome result = outcome::none;
  int node = 0;  ///< asked, from 1
  std::string key;
  std::uint64_t connection = 0;
  time_point begin;
  time_point end;
  std::chrono::milliseconds timeout{0};
  int status = 0;
  std::string code;           ///< of an error answer
  std::uint64_t version = 0;  ///< of the value read, or of the change
  std::uint64_t load = 0;     ///< that made the value; of a put: its own
  std::uint64_t epoch = 0;    ///< of the ETag; 0 = none
  std::uint64_t sequence = 0;
  bool is_whole = true;  ///< the value is one that was made, of this key
  bool is_cached = false;
  std::chrono::milliseconds bound{0};  ///< of a partial change
};

/// One load as the source saw it.
struct load_record {
  std::string key;
  std::uint64_t version = 0;
  time_point begin;
  time_point end;  ///< zero while it runs
  bool is_refused = false;
};

struct time_span {
  time_point begin;
  time_point end = time_point::max();

  bool meets(time_point from, time_point until) const noexcept {
    return begin <= until && from <= end;
  }
};

/// A fault somebody caused: from its first effect to the end of its cause.
struct fault_record {
  std::string kind;
  time_span span;
};

/// Loads with at least this number are puts.
constexpr std::uint64_t first_put = std::uint64_t{1} << 40;

/// Everything that happened in one run.
struct history {
  std::vector<request_record> requests;
  std::vector<load_record> loads;  ///< in the order of their numbers
  std::vector<fault_record> faults;
  std::map<int, std::vector<time_span>> down;  ///< per node: killed or frozen, until it was ready
  std::vector<time_span> source_failures;
  std::map<std::int64_t, history_clock::duration>
      lag;  ///< worst of each second of the driver's loop

  /// How late the driver itself was at most around that time.
  history_clock::duration lag_between(time_point from, time_point until) const;
};

std::int64_t second_of(time_point when) noexcept;

}  // namespace weir::test
