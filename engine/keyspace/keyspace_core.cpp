// One keyspace on one node: how a value comes, and when it may stay.
//
// The idea. A read that finds nothing joins the flight of its key or begins one; a flight is a
// coroutine that asks the owner, or as owner calls the source, once for all who wait. Everything
// that decides whether its answer may stay is in the key's shard (held_entries): entries, flights,
// fences and the counter of versions, under one spinlock. A change takes the next number, raises
// the fence and overtakes the flights in one critical section, so a load is either before a change,
// and then not kept, or after it. Flights outlive their callers: a deadline ends a wait, never a
// load.
//
// Locks: that of one shard, never of two, and nobody is called under it but the clock, the routing
// and the lease, which are atomics, and near_sources. Sources, peers, timers and completions are
// called with no lock held.
//
// Races that were cured; L: a load, C: a change of the same key.
//
// 1. L asks the source; C passes; L ends with the value from before C.
//    C overtakes L: its waiters get the answer, nobody joins it any more, and it is not kept (R1,
//    R2: leave_overtaken_flights, fence_at_load_end).
// 2. L is kept; it is evicted; C finds nothing to drop; "unchanged since L" holds again.
//    Eviction and expiry raise the fence to the entry's number (R4: fence_on_eviction).
// 3. C drops the key at the new owner, which holds nothing; then the new owner peeks the value from
//    before C at the former owner. A peeked value is kept only if fence and floor have not moved in
//    the new term (R8: recheck_fence_after_peek).
// 4. A near node asks the owner; the record of C arrives; then the answer from before C.
//    Records overtake fetches as they do loads; an older version never replaces a newer one (N1,
//    N3: records_reach_every_role, near_by_version).
// 5. A node freezes with L under way; it is voted leaseless, C is OK; it wakes and a new reader
//     joins L.
//    Without a lease a reader begins a load of its own (join_only_with_lease).
// 6. A write of unknown outcome: the statement runs in the database after L has read.
//    Loads of the key are not kept for one source time-out (doubtful_keys).

#include "keyspace/keyspace_core.hpp"

#include "entries/key_hash.hpp"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace weir {
keyspace_core::keyspace_core(
    std::shared_ptr<engine_context> context,
    keyspace_options options,
    std::shared_ptr<data_source> source,
    keyspace_origin origin
)
    : context_(std::move(context)),
      options_(std::move(options)),
      lineage_(origin.lineage),
      source_(std::move(source)),
      held_(*context_, options_, counters_, origin.first_seq),
      limiter_(context_->env, options_.all().loads),
      watch_(options_.name(), std::string(source_->type())),
      feed_([this]() -> std::shared_ptr<keyspace_feed> {
        auto changes = source_->changes();
        return changes ? std::make_shared<keyspace_feed>(env(), std::move(changes)) : nullptr;
      }()) {
  held_.follow(feed_.get());
}

void keyspace_core::follow_source() {
  if (feed_) feed_->start(weak_from_this());
}

std::optional<feed_status> keyspace_core::feed() const {
  return feed_ ? std::optional(feed_->status()) : std::nullopt;
}

keyspace_core::~keyspace_core() {
  if (feed_) feed_->stop();
}

milliseconds keyspace_core::jittered(milliseconds ttl) const noexcept {
  const auto share = static_cast<double>(env().random() >> 11) * 0x1p-53;
  return ttl - std::chrono::duration_cast<milliseconds>(ttl * options_.jitter() * share);
}

void keyspace_core::reclaim() {
  report(watch_.tick(env().now()));
  if (feed_) feed_->tick();
  held_.reclaim(source_->revalidates());
}

keyspace_stats keyspace_core::stats() {
  keyspace_stats out;
  held_.count(out);
  count_reads(out);
  const auto& c = counters_;
  out.misses = c.misses;
  out.joined = c.joined;
  out.loads_value = c.loads_value;
  out.loads_absent = c.loads_absent;
  out.loads_failed = c.loads_failed;
  out.loads_timed_out = c.loads_timed_out;
  out.loads_too_large = c.loads_too_large;
  out.loads_waiting = limiter_.waiting();
  out.gutter_answers = c.gutter_answers;
  out.source_calls = c.source_calls;
  out.source_batches = c.source_batches;
  out.loads_running = limiter_.running();
  out.loads_not_kept = c.not_kept;
  out.refused_overloaded = c.refused_overloaded;
  out.refused_too_large = c.refused_too_large;
  out.passed_through = c.passed_through;
  out.evicted = c.evicted;
  out.expired = c.expired;
  out.invalidations = c.invalidations;
  out.records = c.records;
  out.revalidated = c.revalidated;
  out.unleased = c.unleased;
  for (std::size_t i = 0; i != near_drop_count; ++i) out.near_dropped[i] = c.near_dropped[i];
  for (std::size_t i = 0; i != c.load_buckets.size(); ++i) {
    out.load_duration.buckets[i] = c.load_buckets[i];
    out.load_duration.count += c.load_buckets[i];
  }
  out.load_duration.seconds = static_cast<double>(c.load_microseconds) * 1e-6;
  return out;
}

void keyspace_core::close(errc why) {
  int before = closed_.load();
  do {
    if (before != 0 && before != moved) return;
  } while (!closed_.compare_exchange_weak(before, static_cast<int>(why)));
  if (feed_) feed_->stop();
  held_.empty_out();
  limiter_.close(errc::unavailable);
  for (const auto& s : held_.shards()) {
    std::vector<std::shared_ptr<waiter>> waiters;
    std::vector<completion<result<void>>> turns;
    {
      const std::lock_guard lock(s->mutex);
      for (auto& [key, flights] : s->flights) {
        flights.running += static_cast<int>(flights.waiting.size());  // each gives its turn back
        std::move(flights.waiting.begin(), flights.waiting.end(), std::back_inserter(turns));
        flights.waiting.clear();
        for (auto& current : flights.current) {
          if (!current) continue;
          std::move(current->waiters.begin(), current->waiters.end(), std::back_inserter(waiters));
          current->waiters.clear();
          current.reset();
        }
      }
    }
    for (auto& each : turns) std::move(each)(result<void>());
    for (auto& each : waiters) {
      if (each->is_answered.exchange(true)) continue;
      if (const auto timer = each->timer.load()) env().cancel(timer);
      std::move(each->done)(errc::unavailable);
    }
  }
}

}  // namespace weir
