#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/errc.hpp>

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
inline constexpr std::array<double, 19> duration_bounds{
    0.00001,
    0.000025,
    0.00005,
    0.0001,
    0.00025,
    0.0005,
    0.001,
    0.0025,
    0.005,
    0.01,
    0.025,
    0.05,
    0.1,
    0.25,
    0.5,
    1,
    2.5,
    5,
    10};

struct duration_counts {
  std::array<std::uint64_t, duration_bounds.size() + 1> buckets{};
  double seconds = 0;  ///< sum of all
  std::uint64_t count = 0;

  void add(std::chrono::microseconds took) noexcept;

  /// Adds what another one counted.
  void add(const duration_counts& other) noexcept;

  /// The duration, in seconds, that the share `part` of all did not exceed, spread evenly within
  /// its bucket as Prometheus' histogram_quantile() does; the largest bound for what lies beyond
  /// it. Empty when nothing was counted. `part` is 0 to 1.
  std::optional<double> quantile(double part) const noexcept;
};

/// The bucket that counts `took`.
std::size_t bucket_of(std::chrono::nanoseconds took) noexcept;

/// What answered a read, counted once, at the node that was asked; the `from` label.
enum class read_outcome : std::uint8_t {
  memory,  ///< what this node keeps as owner
  near,    ///< this node's copy of another node's key
  owner,   ///< what another node keeps as owner
  gutter,  ///< what a node keeps in the place of an owner that cannot be reached
  joined,  ///< a load that another read had begun, here or at the owner
  source,  ///< a load begun for this read, here or at the owner
  passed,  ///< a load that no node may keep, as neither owner nor gutter node could be asked
  stale,   ///< an entry past its time, for want of a newer one
};
inline constexpr std::size_t read_outcome_count = static_cast<std::size_t>(read_outcome::stale) + 1;

/// "memory", "near", ...: the `from` label.
std::string_view name(read_outcome from) noexcept;

using read_counts = std::array<std::uint64_t, read_outcome_count>;

/// The share of the answered reads that needed no load of their own: 1 - (source + passed) / all.
/// Empty before the first.
std::optional<double> hit_ratio(const read_counts& reads) noexcept;

/// Why a near copy left.
enum class near_drop : std::uint8_t { record, reset, expired, evicted, moved, cleared };
inline constexpr std::size_t near_drop_count = static_cast<std::size_t>(near_drop::cleared) + 1;

/// "record", "reset", ...: the `reason` label.
std::string_view name(near_drop why) noexcept;

/// One more than the largest errc: the size of a table by errc.
inline constexpr std::size_t errc_count = static_cast<std::size_t>(errc::protocol) + 1;

/// What one keyspace did on this node since it was added.
struct keyspace_stats {
  /// Answered reads of callers of this node, a key of a batch each, by read_outcome. Requests of
  /// other nodes count at those.
  read_counts reads{};
  /// Reads that ended in an error, by errc; at 0 none.
  std::array<std::uint64_t, errc_count> reads_failed{};

  // Look-ups in this node's memory, for its own callers and for other nodes: a read that two nodes
  // serve is two of them.
  std::uint64_t hits = 0;           ///< served, absent ones included
  std::uint64_t negative_hits = 0;  ///< of these: absent
  std::uint64_t misses = 0;
  std::uint64_t joined = 0;          ///< misses that joined a flight in progress
  std::uint64_t gutter_answers = 0;  ///< given in the place of an owner that was out of reach
  std::uint64_t source_calls = 0;    ///< calls of the source, a batch once
  std::uint64_t source_batches = 0;  ///< of these: for several keys
  std::uint64_t loads_value = 0;     ///< loads, one per key, that found a value
  std::uint64_t loads_absent = 0;    ///< ... that found none
  std::uint64_t loads_failed = 0;    ///< ... that failed
  std::uint64_t loads_timed_out = 0;
  std::uint64_t loads_too_large = 0;  ///< ... whose value is over the limit
  std::uint64_t loads_waiting = 0;    ///< now, for a place
  std::uint64_t loads_running = 0;    ///< now, those that outlived their time-out included
  std::uint64_t loads_not_kept = 0;   ///< overtaken by a change, or the term ended
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
  /// Suspect copies that their owner confirmed without sending them again.
  std::uint64_t revalidated = 0;
  /// Of the misses: without a lease, so each with a load or request of its own.
  std::uint64_t unleased = 0;
  std::array<std::uint64_t, near_drop_count> near_dropped{};  ///< by near_drop
  duration_counts load_duration;                              ///< of calls, a batch once
};

/// The state of one keyspace's source on one node, for the operator.
struct source_state {
  std::string type;  ///< "sqlite", "http", "file", "callback"
  bool is_failing = false;
  std::uint64_t failures = 0;          ///< while it fails: so far
  std::chrono::milliseconds since{0};  ///< while it fails: how long ago that began
  std::optional<std::chrono::milliseconds> last_failure = std::nullopt;  ///< ago; none = never
  std::string outcome = {};  ///< of that: "source_failed", "deadline_exceeded", ...
  std::string words = {};    ///< of that; may hold text from outside
};

/// The state of the feed of changes of one keyspace's source on one node.
struct feed_status {
  enum class state : std::uint8_t { connecting, live, stale };

  state is = state::connecting;
  std::chrono::milliseconds since{0};  ///< how long it has been in that state
  std::uint64_t changes = 0;           ///< told so far; "everything" counts as one
  std::uint64_t resets = 0;            ///< connections and gaps: each drops what was kept
  std::string words = {};  ///< why the last connection ended; may hold text from outside
};

/// As in /cluster/keyspaces. Static storage.
std::string_view name(feed_status::state state) noexcept;

/// Reads of one node whose owner was silent, all keyspaces together.
struct hedge_stats {
  std::uint64_t sent = 0;        ///< asked the gutter node beside the owner; keys of one batch that
                                 ///< one node owns count once
  std::uint64_t won = 0;         ///< of these: the gutter node answered first
  std::uint64_t lost = 0;        ///< of these: the owner did, or neither
  std::uint64_t refused = 0;     ///< waited on, as the budget was spent
  std::uint64_t redirected = 0;  ///< asked the gutter node alone, as the owner was suspect
  std::uint64_t suspicions = 0;  ///< peers that became suspect
  std::uint64_t suspects = 0;    ///< now
};

/// How the changes ended that one node ordered or broadcast, all keyspaces together.
struct change_stats {
  std::uint64_t ok = 0;
  std::uint64_t partial = 0;
  std::uint64_t failed = 0;
  std::uint64_t votes_asked = 0;    ///< rounds in which a silent member was voted leaseless
  std::uint64_t votes_ignored = 0;  ///< about ids that count here in no view
  std::uint64_t hints = 0;          ///< now: changes kept for members that missed them
  std::uint64_t hint_bytes = 0;     ///< now
  std::uint64_t journal_bytes = 0;  ///< now: of changes that not every member has confirmed
  std::uint64_t waiting_bytes = 0;  ///< now: of changes still being broadcast
  std::uint64_t resets = 0;         ///< members that had to be told to trust nothing
  duration_counts duration;         ///< until every member had confirmed or was voted leaseless
  std::chrono::microseconds longest{0};  ///< the worst of them
  std::uint64_t lease_losses = 0;
  std::uint64_t dropped_all = 0;  ///< leases regained without the hints of members that could vote
};

}  // namespace weir
