// Which entries leave, and when: budgets, expiry, and shorter lives after a change of the options.

#include "keyspace/held_entries.hpp"

#include <algorithm>

namespace weir {
namespace {

constexpr std::size_t reclaim_slice = 256;
constexpr std::chrono::minutes past_time{10};
constexpr std::size_t walk_slice = 256;   // entries looked at under one lock
constexpr std::size_t evict_share = 32;   // one part in so many of a shard leaves in one round
constexpr std::size_t evict_slice = 256;  // and at most so many entries
constexpr unsigned gutter_percent = 10;

}  // namespace

void held_entries::set_budgets(const keyspace_options& from) noexcept {
  budgets_.owned.limit = from.max_memory;
  budgets_.gutter.limit = from.max_memory / 100 * gutter_percent;
  budgets_.near_copy.limit = from.near_memory;
}

void held_entries::make_room(entry_kind kind, shard& first) {
  const auto evict_from = [&](shard& s, std::size_t leave) {
    entry_list garbage;
    const auto gone = [&](const stored_entry& e) { note_evicted(e); };
    const std::lock_guard lock(s.mutex);
    s.table.evict(kind, gone, garbage, leave);
    return garbage;  // freed by the caller, after the lock
  };
  const auto& budget = budgets_.of(kind);
  if (!budget.has_excess()) return;
  evict_from(first, 1);
  for (const auto& each : shards_) {
    if (!budget.has_excess()) return;
    if (each.get() != &first) evict_from(*each, 0);
  }
}

// Round and round, so that no shard loses all it has while others keep what is colder.
std::uint64_t held_entries::shrink(entry_kind kind) {
  const auto& budget = budgets_.of(kind);
  std::uint64_t dropped = 0;
  for (bool goes_on = budget.is_exceeded(); goes_on;) {
    const auto before = dropped;
    for (const auto& each : shards_) {
      entry_list garbage;
      const auto gone = [&](const stored_entry& e) {
        ++dropped;
        note_evicted(e);
      };
      const std::lock_guard lock(each->mutex);
      const auto count = each->table.count(kind);
      const auto slice = std::min({count, count / evict_share + 1, evict_slice});
      each->table.evict(kind, gone, garbage, count - slice);
    }
    goes_on = budget.is_exceeded() && dropped != before;
  }
  return dropped;
}

time_point held_entries::latest_expiry(const stored_entry& e) const noexcept {
  if (e.has_own_ttl()) return time_point::max();
  return e.loaded_at + (e.is_absent ? options_.absent_ttl() : options_.ttl());
}

// Under the shard's lock, before the entry is inserted: the walk over the shard has passed or will
// find it.
void held_entries::cap_life(stored_entry& fresh) const noexcept {
  fresh.expires = std::min(fresh.expires, latest_expiry(fresh));
}

// Returns how many are over: they leave at once.
std::uint64_t held_entries::shorten_lives() {
  std::uint64_t dropped = 0;
  const auto now = context_.env.now();
  for (const auto& each : shards_) {
    for (bool has_ended = false; !has_ended;) {
      entry_list garbage;
      const auto shorten = [&](stored_entry& e) {
        const auto latest = latest_expiry(e);
        if (e.epoch == past_epoch || e.expires <= latest) return;
        if (latest > now) return each->table.reschedule(e, latest);
        if (e.expires > now) ++dropped;
        note_expired(e);
        each->table.erase(e, garbage);
      };
      const std::lock_guard lock(each->mutex);
      has_ended = each->table.visit(walk_slice, shorten);
    }
  }
  return dropped;
}

void held_entries::reclaim(bool keeps_past) {
  auto& s = *shards_[reclaim_next_.fetch_add(1, std::memory_order_relaxed) % shard_count];
  const auto now = context_.env.now();
  entry_list garbage;
  const auto gone = [&](const stored_entry& e) { note_expired(e); };
  // A value that its source can confirm stays a while, and is not served meanwhile.
  const auto keep_until = [&](stored_entry& e) {
    const bool is_kept = e.kind == entry_kind::owned && e.epoch != past_epoch && e.seq > s.floor &&
                         e.is_confirmable();
    if (!is_kept) return time_point::min();
    gone(e);
    e.epoch = past_epoch;
    return now + past_time;
  };
  const std::lock_guard lock(s.mutex);
  if (keeps_past)
    s.table.expire(now, reclaim_slice, keep_until, gone, garbage);
  else
    s.table.expire(now, reclaim_slice, gone, garbage);
}

void held_entries::note_evicted(const stored_entry& e) {
  if (e.epoch == past_epoch) return;
  if (e.kind == entry_kind::near_copy) return counters_.drop_near(near_drop::evicted);
  keyspace_counters::add(counters_.evicted);
  if (context_.rules.fence_on_eviction) raise_fence(e.hash, e.seq);
}

void held_entries::note_expired(const stored_entry& e) {
  if (e.epoch == past_epoch) return;  // noted when its time was over; it stayed to be confirmed
  if (e.kind == entry_kind::near_copy) return counters_.drop_near(near_drop::expired);
  keyspace_counters::add(counters_.expired);
  if (context_.rules.fence_on_eviction) raise_fence(e.hash, e.seq);
}

std::vector<kept_key> held_entries::keys(std::size_t limit) {
  std::vector<kept_key> out;
  const auto now = context_.env.now();
  const auto take = [&](const shard& in, const stored_entry& entry) {
    if (out.size() == limit) return false;
    const bool is_near = entry.kind == entry_kind::near_copy;
    const bool is_cleared =
        is_near ? entry.generation != in.near_generation : entry.seq <= in.floor;
    if (is_cleared || entry.epoch == past_epoch || entry.expires <= now) return true;
    const auto left = std::chrono::floor<milliseconds>(entry.expires - now);
    out.push_back({std::string(entry.key()), left, is_near});
    return true;
  };
  for (const auto& each : shards_) {
    const std::lock_guard lock(each->mutex);
    for (const auto kind : {entry_kind::owned, entry_kind::near_copy, entry_kind::gutter}) {
      each->table.visit_hottest(kind, [&](const stored_entry& entry) {
        return take(*each, entry);
      });
    }
  }
  return out;
}

std::vector<std::string> held_entries::hottest(std::uint64_t max_bytes) {
  std::vector<std::vector<std::string>> by_shard;
  std::size_t longest = 0;
  for (const auto& each : shards_) {
    auto& keys = by_shard.emplace_back();
    const std::lock_guard lock(each->mutex);
    std::uint64_t bytes = 0;
    each->table.visit_hottest(entry_kind::owned, [&](const stored_entry& entry) {
      if (entry.epoch == past_epoch || entry.seq <= each->floor) return true;
      bytes += entry.charge;
      if (bytes > max_bytes / shard_count) return false;
      keys.emplace_back(entry.key());
      return true;
    });
    longest = std::max(longest, keys.size());
  }
  std::vector<std::string> out;
  for (std::size_t rank = 0; rank != longest; ++rank) {
    for (auto& keys : by_shard) {
      if (rank < keys.size()) out.push_back(std::move(keys[rank]));
    }
  }
  return out;
}

void held_entries::count(keyspace_stats& out) {
  auto& from_memory = out.reads[static_cast<std::size_t>(read_outcome::memory)];
  auto& from_near = out.reads[static_cast<std::size_t>(read_outcome::near)];
  for (const auto& s : shards_) {
    const std::lock_guard lock(s->mutex);
    out.hits += s->hits;
    out.negative_hits += s->negative_hits;
    out.entries += s->table.size();
    out.near_entries += s->table.count(entry_kind::near_copy);
    out.near_hits += s->near_hits;
    const auto near = s->near_hits - s->near_hits_for_others;
    from_near += near;
    from_memory += s->hits - s->hits_for_others - near;
  }
  out.bytes = budgets_.owned.used;
  out.absent_bytes = budgets_.owned.absent_used;
  out.gutter_bytes = budgets_.gutter.used;
  out.near_bytes = budgets_.near_copy.used;
}

}  // namespace weir
