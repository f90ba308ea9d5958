#pragma once

#include "agreement/engine_context.hpp"
#include "entries/told_times.hpp"
#include "keyspace/keyspace_counters.hpp"
#include "keyspace/live_options.hpp"
#include "keyspace/shard.hpp"

#include <weir/engine/keyspace.hpp>
#include <weir/engine/session.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

class keyspace_feed;

/// What one keyspace keeps on one node, and whether it may be served: shards, fences, floors and
/// budgets. Knows no peer, no source and no coroutine (held_entries.cpp; which entries leave is in
/// held_room.cpp).
///
/// Thread-safe but for what takes a `shard&`: the caller holds that shard's lock, so that one rule
/// of R1 to R7 is one critical section. The locks of two shards are never held together. The
/// context, the options and the counters must outlive it.
class held_entries {
 public:
  /// `first_seq`: no version made here is earlier.
  held_entries(
      engine_context& context,
      const live_options& options,
      keyspace_counters& counters,
      std::uint64_t first_seq
  );

  // Reading.

  /// Serves what this node holds as owner or near, if it may. The whole hit path; allocates
  /// nothing.
  bool hit(
      std::string_view key, entry& out, bool& is_found, read_attempt attempt = read_attempt::first
  );

  bool hit(std::string_view key, lookup& out, read_attempt attempt) {
    return hit(key, out.entry, out.found, attempt);
  }

  /// From now on nothing is served, and nothing kept, but while `feed` lives. Before the first use.
  void follow(const keyspace_feed* feed);

  /// Whether the source could tell of every change until now; true where it tells of none.
  bool is_told(time_point now) const noexcept;

  /// Whether what a node loaded at `began` may be kept here, by what the source told since (F2).
  bool is_newer_than_told(std::uint64_t hash, time_point began) const noexcept;

  /// The same as owner alone.
  bool hit_owned(std::string_view key, lookup& out, read_attempt attempt);

  /// Fills `out`, which is fresh; true for a value, false for an absent entry.
  bool answer_from(shard& s, stored_entry& e, time_point now, entry& out);

  /// A hit's clock.
  time_point hit_time() const noexcept;
  bool may_serve(time_point now) const noexcept;
  bool serves_as_owner(const shard& s, const stored_entry& e, time_point now) const noexcept;
  bool serves_as_gutter(const shard& s, const stored_entry& e, time_point now) const noexcept;
  bool serves_as_near(const shard& s, const stored_entry& e, time_point now) const noexcept;

  /// Whether the hash was seen a short while ago; remembers it.
  bool is_wanted_again(std::uint64_t hash) noexcept;

  // The order of changes.

  std::uint64_t hash_of(std::string_view key) const noexcept;

  shard& shard_of(std::uint64_t hash) noexcept { return *shards_[hash >> (64 - shard_bits)]; }

  const std::vector<std::unique_ptr<shard>>& shards() const noexcept { return shards_; }

  std::uint64_t& fence_of(std::uint64_t hash) noexcept;
  void raise_fence(std::uint64_t hash, std::uint64_t seq) noexcept;

  /// A version later than all made here so far.
  std::uint64_t last_seq();

  /// Whether `condition` is true of the key whose entry, if any, is `held` (R7).
  bool holds(
      const shard& s,
      const stored_entry* held,
      const precondition& condition,
      std::uint64_t hash,
      std::uint64_t epoch,
      time_point now
  ) noexcept;

  /// The source told of the key at `now`; under the lock of its shard.
  void note_told(std::uint64_t hash, time_point now) noexcept {
    if (told_) told_->note(hash, now);
  }

  /// The source may have changed everything: drops it (F1).
  void reset(time_point now);

  /// From now on no caller joins the running flights of the key, and they are not kept (R1, R2).
  void overtake(shard& s, std::string_view key);

  /// Drops everything kept, in O(1) for each shard (R5).
  void clear();

  /// Records were missed: drops what this node keeps in its own right and suspects near copies.
  void distrust();

  /// Slots are about to come to this node: what moves a fence from now on belongs to the new term.
  void terms_begin(std::uint32_t gain);

  /// True if no change of the term that began with that gain has touched the hash (R8).
  bool is_untouched_since(std::uint32_t gain, std::uint64_t hash);

  /// Takes note of what the source tells of `write` while it runs; a no-op where it tells nothing.
  void begin_write(running_write& write);
  void end_write(running_write& write);

  // Room.

  entry_budgets& budgets() noexcept { return budgets_; }

  const entry_budgets& budgets() const noexcept { return budgets_; }

  void set_budgets(const keyspace_options& from) noexcept;

  /// Evicts until the budget of that kind is kept, from `first` before the others.
  void make_room(entry_kind kind, shard& first);

  /// Evicts down to a budget that became smaller; returns how many left.
  std::uint64_t shrink(entry_kind kind);

  /// Lets the entry expire no later than the options say now. Under the shard's lock, before the
  /// entry is inserted: the walk of shorten_lives() has passed or will find it.
  void cap_life(stored_entry& fresh) const noexcept;
  time_point latest_expiry(const stored_entry& e) const noexcept;

  /// The same for all that is kept; returns how many were over and left at once.
  std::uint64_t shorten_lives();

  /// Reclaims what expired or lies below the floor, one slice of one shard. With `keeps_past` a
  /// value that its source can confirm stays a while and is not served.
  void reclaim(bool keeps_past);

  /// Drops all entries at once; returns how many.
  std::uint64_t empty_out();

  // Lists.

  /// Up to `limit` of the keys kept, the hottest of each shard first.
  std::vector<kept_key> keys(std::size_t limit);

  /// The keys of this node's own entries, the hottest first, up to `max_bytes` of entries in all.
  std::vector<std::string> hottest(std::uint64_t max_bytes);

  /// Adds hits, entries and bytes.
  void count(keyspace_stats& out);

 private:
  void suspect_near(shard& s, entry_list& garbage);
  void note_evicted(const stored_entry& e);
  void note_expired(const stored_entry& e);

  engine_context& context_;
  const live_options& options_;
  keyspace_counters& counters_;
  entry_budgets budgets_;
  const keyspace_feed* feed_ = nullptr;  ///< null: the source tells of no changes
  std::unique_ptr<told_times> told_;     ///< where it does
  std::unique_ptr<std::uint64_t[], void (*)(std::uint64_t*)> fences_;
  std::vector<std::unique_ptr<shard>> shards_;
  std::unique_ptr<std::uint32_t[], void (*)(std::uint32_t*)> near_seen_;
  std::atomic<unsigned> reclaim_next_{0};
};

}  // namespace weir
