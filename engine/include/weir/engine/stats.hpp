#pragma once

#include <weir/engine/api.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir WEIR_API {

/// Counts of durations in buckets whose upper bounds are `duration_bounds`, in seconds, plus one
/// without bound.
inline constexpr std::array<double, 14> duration_bounds{
    0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5};

struct duration_counts {
  std::array<std::uint64_t, duration_bounds.size() + 1> buckets{};
  double seconds = 0;  ///< sum of all
  std::uint64_t count = 0;

  void add(std::chrono::microseconds took) noexcept;
};

/// The bucket that counts `took`.
std::size_t bucket_of(std::chrono::microseconds took) noexcept;

/// Why a near copy left.
enum class near_drop : std::uint8_t { record, reset, expired, evicted, moved, cleared };
inline constexpr std::size_t near_drop_count = 6;

/// "record", "reset", ...: the `reason` label.
std::string_view name(near_drop why) noexcept;

/// What one keyspace did on this node since it was added.
struct keyspace_stats {
  std::uint64_t hits = 0;           ///< served from this node's memory, absent ones included
  std::uint64_t negative_hits = 0;  ///< of these: absent
  std::uint64_t misses = 0;
  std::uint64_t joined = 0;        ///< misses that joined a flight in progress
  std::uint64_t loads_value = 0;   ///< source calls that found a value
  std::uint64_t loads_absent = 0;  ///< ... that found none
  std::uint64_t loads_failed = 0;  ///< ... that failed
  std::uint64_t loads_timed_out = 0;
  std::uint64_t loads_too_large = 0;  ///< ... whose value is over the limit
  std::uint64_t loads_waiting = 0;    ///< now, for a place
  std::uint64_t loads_running = 0;   ///< now, those that outlived their time-out included
  std::uint64_t loads_not_kept = 0;  ///< overtaken by a change, or the term ended
  std::uint64_t refused_overloaded = 0;
  std::uint64_t refused_too_large = 0;
  std::uint64_t passed_through = 0;  ///< loads for an owner and gutter that could not be asked
  std::uint64_t evicted = 0;         ///< to make room
  std::uint64_t expired = 0;
  std::uint64_t invalidations = 0;  ///< changes applied here
  std::uint64_t records = 0;        ///< of these: ordered by other nodes
  std::uint64_t entries = 0;        ///< now
  std::uint64_t bytes = 0;          ///< now, overhead included
  std::uint64_t absent_bytes = 0;   ///< of these: absent keys, a tenth of max_memory at most
  std::uint64_t gutter_bytes = 0;   ///< now
  std::uint64_t near_hits = 0;      ///< of the hits: served from copies of other nodes' keys
  std::uint64_t near_bytes = 0;     ///< now
  std::uint64_t near_entries = 0;   ///< now
  std::uint64_t revalidated =
      0;  ///< suspect copies that their owner confirmed without sending them again
  std::uint64_t unleased =
      0;  ///< of the misses: without a lease, so each with a load or request of its own
  std::array<std::uint64_t, near_drop_count> near_dropped{};  ///< by near_drop
  duration_counts load_duration;
};

/// How the source of one keyspace fares on one node, for the operator.
struct source_state {
  std::string type;  ///< "sqlite", "http", "file", "callback"
  bool is_failing = false;
  std::uint64_t failures = 0;          ///< while it fails: so far
  std::chrono::milliseconds since{0};  ///< while it fails: how long ago that began
  std::optional<std::chrono::milliseconds> last_failure = std::nullopt;  ///< ago; none = never
  std::string outcome = {};  ///< of that: "source_failed", "deadline_exceeded", ...
  std::string words = {};    ///< of that; may hold text from outside
};

/// How the changes went that one node ordered or sent round, all keyspaces together.
struct change_stats {
  std::uint64_t ok = 0;
  std::uint64_t partial = 0;
  std::uint64_t failed = 0;
  std::uint64_t votes_asked = 0;  ///< rounds in which a silent member was voted leaseless
  std::uint64_t votes_ignored = 0;  ///< about ids that count here in no view
  std::uint64_t hints = 0;          ///< now: changes kept for members that missed them
  std::uint64_t hint_bytes = 0;     ///< now
  std::uint64_t resets = 0;       ///< members that had to be told to trust nothing
  duration_counts duration;       ///< until every member had confirmed or was voted leaseless
  std::chrono::microseconds longest{0};  ///< the worst of them
  std::uint64_t lease_losses = 0;
  std::uint64_t dropped_all = 0;  ///< leases regained without the hints of those who could vote
};

}  // namespace weir
