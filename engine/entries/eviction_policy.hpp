#pragma once

#include "entries/stored_entry.hpp"

#include <cstdint>
#include <memory>

namespace weir {

/// What a hit does, decided without a virtual call. One byte per kind, beside the shard's lock.
struct hit_rule {
  /// Hits are counted in the entry up to this number, and the policy looks at them when it chooses
  /// a victim, so that most hits write nothing. 0 = the policy hears of each.
  std::uint8_t counted_uses = 0;
};

/// Decides which entry of one kind in one shard leaves first.
///
/// A policy owns the links `newer`, `older` and the `uses` of the entries it was given, and changes
/// its hit_rule as it likes. Called under the shard's lock, so a call does bounded work.
class eviction_policy {
 public:
  virtual ~eviction_policy() = default;

  virtual void on_insert(stored_entry& entry) noexcept = 0;

  /// A hit; only while the rule counts none.
  virtual void on_hit(stored_entry& entry) noexcept = 0;

  /// The entry leaves, as a victim or for any other reason.
  virtual void on_erase(stored_entry& entry) noexcept = 0;

  /// The next colder entry, or for null the hottest, as far as the policy knows; null = there is
  /// none.
  virtual const stored_entry* colder(const stored_entry* than) const noexcept = 0;

  /// The entry to evict next; null = there is none. It stays until on_erase().
  virtual stored_entry* victim() noexcept = 0;
};

/// Makes the policy of one kind of entry, which keeps the rule's address.
using policy_maker = std::unique_ptr<eviction_policy> (*)(hit_rule& rule);

}  // namespace weir
