// Changes of a keyspace while it is used: new options in place, or another keyspace in its place.

#include "keyspace/keyspace_core.hpp"
#include "keyspace/keyspace_counters.hpp"

#include <algorithm>

namespace weir {
namespace {

constexpr std::size_t walk_slice = 256;   // entries looked at under one lock
constexpr std::size_t evict_share = 32;   // one part in so many of a shard leaves in one round
constexpr std::size_t evict_slice = 256;  // and at most so many entries
constexpr unsigned gutter_percent = 10;

}  // namespace

std::shared_ptr<keyspace_core> keyspace_core::current() {
  auto next = successor();
  return next ? std::move(next) : shared_from_this();
}

std::shared_ptr<keyspace_core> keyspace_core::successor() const {
  if (closed_.load(std::memory_order_acquire) != moved) return nullptr;
  const auto all = context_->keyspaces.lock();
  auto next = all ? all->find(options_.name()) : nullptr;
  return next && next->lineage_ == lineage_ && next.get() != this ? next : nullptr;
}

// To another node: it may have a keyspace that was removed here, and load the key itself.
error keyspace_core::why_failed(error why) const {
  const bool was_removed = closed_.load() == static_cast<int>(errc::no_keyspace);
  return was_removed && why == errc::unavailable ? error(errc::no_keyspace) : why;
}

std::uint64_t keyspace_core::retune(const keyspace_options& wanted) {
  const std::lock_guard one_at_a_time(tuning_);
  const auto before = options_.all();
  options_.set(wanted);
  limiter_.set_limits(wanted.loads);
  set_budgets(wanted);
  std::uint64_t dropped = 0;
  const bool is_shorter = wanted.ttl < before.ttl || wanted.negative_ttl < before.negative_ttl;
  if (is_shorter) dropped += shorten_lives();
  for (const auto kind : {entry_kind::owned, entry_kind::near_copy, entry_kind::gutter}) {
    dropped += shrink(kind);
  }
  return dropped;
}

void keyspace_core::set_budgets(const keyspace_options& from) noexcept {
  budgets_.owned.limit = from.max_memory;
  budgets_.gutter.limit = from.max_memory / 100 * gutter_percent;
  budgets_.near_copy.limit = from.near_memory;
}

time_point keyspace_core::latest_expiry(const stored_entry& e) const noexcept {
  if (e.has_own_ttl()) return time_point::max();
  return e.loaded_at + (e.is_absent ? options_.absent_ttl() : options_.ttl());
}

// Under the shard's lock, before the entry is inserted: the walk over the shard has passed or will
// find it.
void keyspace_core::cap_life(stored_entry& fresh) const noexcept {
  fresh.expires = std::min(fresh.expires, latest_expiry(fresh));
}

// Returns how many are over: they leave at once.
std::uint64_t keyspace_core::shorten_lives() {
  std::uint64_t dropped = 0;
  const auto now = env().now();
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

// Round and round, so that no shard loses all it has while others keep what is colder.
std::uint64_t keyspace_core::shrink(entry_kind kind) {
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

void keyspace_core::note_evicted(const stored_entry& e) {
  if (e.epoch == past_epoch) return;
  if (e.kind == entry_kind::near_copy) return counters_->drop_near(near_drop::evicted);
  counters::add(counters_->evicted);
  if (context_->rules.fence_on_eviction) raise_fence(e.hash, e.seq);
}

void keyspace_core::note_expired(const stored_entry& e) {
  if (e.epoch == past_epoch) return;  // noted when its time was over; it stayed to be confirmed
  if (e.kind == entry_kind::near_copy) return counters_->drop_near(near_drop::expired);
  counters::add(counters_->expired);
  if (context_->rules.fence_on_eviction) raise_fence(e.hash, e.seq);
}

void keyspace_core::move_on() {
  int open = 0;
  closed_.compare_exchange_strong(open, moved);
}

std::uint64_t keyspace_core::empty_out() {
  std::uint64_t dropped = 0;
  for (const auto& s : shards_) {
    entry_list garbage;  // handles may outlive the keyspace, its memory does not
    const std::lock_guard lock(s->mutex);
    dropped += s->table.size();
    const auto every = [](const stored_entry&) { return true; };
    s->table.sweep_all(every, garbage);
  }
  return dropped;
}

}  // namespace weir
