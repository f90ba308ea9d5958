#pragma once

#include "entries/byte_budget.hpp"
#include "entries/entry_index.hpp"
#include "entries/eviction_policy.hpp"
#include "entries/expiry_wheel.hpp"

#include <weir/engine/options.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

namespace weir {

/// The budgets of one keyspace, one per kind of entry.
struct store_budgets {
  byte_budget owned, near_copy, gutter;

  byte_budget& of(entry_kind kind) noexcept {
    switch (kind) {
      case entry_kind::owned:
        return owned;
      case entry_kind::near_copy:
        return near_copy;
      case entry_kind::gutter:
        break;
    }
    return gutter;
  }

  const byte_budget& of(entry_kind kind) const noexcept {
    return const_cast<store_budgets*>(this)->of(kind);
  }
};

/// The entries of one shard: an index, an eviction policy per kind, for values and absent keys
/// apart, and an expiry wheel.
///
/// A plain container: the caller holds the shard's lock around every call but make_entry() and
/// prefetch(), and frees what left the table (`garbage`) after unlocking. Wherever entries leave on
/// the table's own account, `on_gone(const stored_entry&)` hears of each before it leaves, so that
/// the caller can raise the fence (R4). Budgets outlive the table. Empty, it takes some 500 bytes.
class entry_table {
 public:
  using entry_ptr = stored_entry::pointer;

  entry_table(store_budgets& budgets, policy_maker make);
  entry_table(const entry_table&) = delete;
  entry_table& operator=(const entry_table&) = delete;
  ~entry_table();

  /// Builds an entry, before the lock is taken. Allocates once; throws as stored_entry::make().
  static entry_ptr make_entry(new_entry from) { return stored_entry::make(std::move(from)); }

  /// Asks the processor for what find() will read first. Needs no lock.
  void prefetch(std::uint64_t hash) const noexcept { index_.prefetch(hash); }

  /// The entry of `key`, or null, expired or not. Never allocates; not a hit for the policy.
  stored_entry* find(std::string_view key, std::uint64_t hash) const noexcept {
    return index_.find(key, hash);
  }

  /// Tells the policy of a hit.
  void touch(stored_entry& entry) noexcept {
    const auto lane = lane_of(entry);
    const auto counted = rules_[lane].counted_uses;
    if (counted == 0) return policies_[lane]->on_hit(entry);
    if (entry.uses < counted) ++entry.uses;
  }

  /// The value, in place of what `to` held: up to bytes::inline_capacity bytes are copied, more are
  /// shared. Never allocates.
  static void copy_value(const stored_entry& entry, bytes& to) noexcept { entry.copy_value(to); }

  /// Takes an entry in place of one with the same key, whatever its kind, and returns it.
  ///
  /// Null, and nothing changes, when it does not fit its budget (byte_budget::fits). Throws
  /// std::bad_alloc when the index cannot grow; then nothing changes either. Evicts nothing: call
  /// evict() next.
  stored_entry* insert(entry_ptr&& entry, entry_list& garbage);

  /// Removes an entry of this table.
  void erase(stored_entry& entry, entry_list& garbage) noexcept { garbage.push(detach(entry)); }

  /// Moves the expiry of an entry of this table.
  void reschedule(stored_entry& entry, time_point expires);

  /// Evicts entries of one kind until the kind's budget is met or only `leave` of them are left
  /// here. Absent keys go first as long as they take more than their share.
  ///
  /// The last one left is one that was inserted or hit last. So a caller leaves 1 in the shard
  /// where it inserted, and 0 when it then goes on to other shards.
  template <class OnGone>
  void evict(entry_kind kind, OnGone&& on_gone, entry_list& garbage, std::size_t leave = 1) {
    while (count(kind) > leave) {
      auto* victim = victim_of(kind, leave);
      if (victim == nullptr) return;
      drop(*victim, on_gone, garbage);
    }
  }

  /// Removes entries that have expired at `now`; looks at no more than `max_entries`. Returns the
  /// number removed. No scan: what has not expired is not looked at, but for at most four moves in
  /// its life.
  template <class OnGone>
  std::size_t expire(
      time_point now, std::size_t max_entries, OnGone&& on_gone, entry_list& garbage
  ) {
    std::size_t removed = 0;
    while (auto* expired = wheel_.next_expired(now, max_entries)) {
      drop(*expired, on_gone, garbage);
      ++removed;
    }
    return removed;
  }

  /// The same, but an entry of which `keep_until(entry)` is later than now stays until then.
  template <class KeepUntil, class OnGone>
  void expire(
      time_point now,
      std::size_t max_entries,
      KeepUntil&& keep_until,
      OnGone&& on_gone,
      entry_list& garbage
  ) {
    while (auto* expired = wheel_.next_expired(now, max_entries)) {
      const time_point until = keep_until(*expired);
      if (until > now)
        reschedule(*expired, until);
      else
        drop(*expired, on_gone, garbage);
    }
  }

  /// Removes the entries that match, a slice of about `max_entries` per call, each going on where
  /// the last one ended. True when a slice reaches the end; a slice that begins after the index
  /// grew begins anew.
  template <class Predicate, class OnGone>
  bool sweep(std::size_t max_entries, Predicate&& matches, OnGone&& on_gone, entry_list& garbage) {
    return visit(max_entries, [&](stored_entry& entry) {
      if (matches(std::as_const(entry))) drop(entry, on_gone, garbage);
    });
  }

  /// Removes all entries that match, wherever the slices have come to.
  template <class Predicate>
  void sweep_all(Predicate&& matches, entry_list& garbage) {
    sweep_at_ = 0;
    sweep(
        SIZE_MAX, matches, [](const stored_entry&) {}, garbage
    );
  }

  /// Shows the entries in slices as sweep() does, with which it shares the place it has come to.
  template <class Look>
  bool visit(std::size_t max_entries, Look&& look) {
    if (swept_groups_ != index_.group_count()) {
      swept_groups_ = index_.group_count();
      sweep_at_ = 0;
    }
    for (std::size_t seen = 0; sweep_at_ != swept_groups_; ++sweep_at_) {
      if (seen >= max_entries) return false;
      ++seen;  // empty groups cost time too
      index_.visit_group(sweep_at_, [&](stored_entry& entry) {
        ++seen;
        look(entry);
      });
    }
    sweep_at_ = 0;
    return true;
  }

  /// Shows the values of one kind, the hottest first, while `wants_more(entry)`.
  template <class WantsMore>
  void visit_hottest(entry_kind kind, WantsMore&& wants_more) const {
    const auto& policy = *policies_[values_of(kind)];
    const auto* entry = policy.colder(nullptr);
    while (entry != nullptr && wants_more(*entry)) entry = policy.colder(entry);
  }

  std::size_t size() const noexcept { return index_.size(); }

  std::size_t count(entry_kind kind) const noexcept {
    return counts_[values_of(kind)] + counts_[absent_of(kind)];
  }

 private:
  // Entries are in one lane per kind for values, and in another for absent keys.
  static constexpr std::size_t lane_count = 2 * entry_kind_count;

  static std::size_t values_of(entry_kind kind) noexcept {
    return static_cast<std::size_t>(kind) * 2;
  }

  static std::size_t absent_of(entry_kind kind) noexcept { return values_of(kind) + 1; }

  static std::size_t lane_of(const stored_entry& entry) noexcept {
    return values_of(entry.kind) + (entry.is_absent ? 1 : 0);
  }

  stored_entry* victim_of(entry_kind kind, std::size_t leave) noexcept;

  template <class OnGone>
  void drop(stored_entry& entry, OnGone&& on_gone, entry_list& garbage) {
    on_gone(std::as_const(entry));
    erase(entry, garbage);
  }

  entry_ptr detach(stored_entry& entry) noexcept;

  // What a hit reads comes first, to lie on the lock's line.
  std::array<hit_rule, lane_count> rules_{};
  entry_index index_;
  std::array<std::unique_ptr<eviction_policy>, lane_count> policies_;
  std::array<std::size_t, lane_count> counts_{};
  store_budgets& budgets_;
  expiry_wheel wheel_;
  std::size_t swept_groups_ = 0;
  std::size_t sweep_at_ = 0;
};

}  // namespace weir
