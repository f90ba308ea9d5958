#pragma once

#include <weir/engine/data_source.hpp>
#include <weir/engine/stats.hpp>

#include <atomic>
#include <chrono>

namespace weir {

/// Counts of events off the hit path; hits are counted in the shards, under their locks.
struct keyspace_counters {
  using count = std::atomic<std::uint64_t>;

  count misses, joined;
  std::array<count, read_outcome_count> reads;  ///< but for hits of this node's own callers
  std::array<count, errc_count> reads_failed;
  count source_calls, source_batches, gutter_answers;
  count loads_value, loads_absent, loads_failed, loads_timed_out, loads_too_large, not_kept;
  count refused_overloaded, refused_too_large, passed_through;
  count evicted, expired, invalidations, records, revalidated, unleased;
  std::array<count, near_drop_count> near_dropped;
  std::array<count, duration_bounds.size() + 1> load_buckets;
  count load_microseconds;

  /// One key's load.
  void count_load(const result<loaded>& answer) {
    auto& outcome = answer ? (answer->found ? loads_value : loads_absent)
                    : answer.error() == errc::deadline_exceeded ? loads_timed_out
                    : answer.error() == errc::too_large         ? loads_too_large
                                                                : loads_failed;
    add(outcome);
    if (&outcome == &loads_too_large) add(refused_too_large);
  }

  /// One call of the source, for one key or several.
  void count_call(std::chrono::microseconds took) {
    add(source_calls);
    add(load_buckets[bucket_of(took)]);
    load_microseconds.fetch_add(
        static_cast<std::uint64_t>(took.count()), std::memory_order_relaxed
    );
  }

  void drop_near(near_drop why) { add(near_dropped[static_cast<std::size_t>(why)]); }

  static void add(count& counter) { counter.fetch_add(1, std::memory_order_relaxed); }
};

}  // namespace weir
