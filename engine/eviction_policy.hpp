#pragma once

#include "stored_entry.hpp"

#include <cstdint>

namespace weir {

/// Decides without a virtual call which hits a policy hears of. Lies beside the shard's lock.
///
/// A policy stamps an entry with `clock` when it puts it at a good place; a hit on an entry stamped
/// less than `quiet` ago changes nothing and writes nothing.
struct hit_filter {
  std::uint32_t clock = 0;
  std::uint32_t quiet = 0;  ///< 0 = the policy hears of every hit

  bool passes(const stored_entry& entry) const noexcept { return clock - entry.stamp >= quiet; }
};

/// Decides which entry of one kind in one shard leaves first.
///
/// A policy owns the links `newer`, `older` and the `stamp` of the entries it was given. Called
/// under the shard's lock; no call allocates in proportion to the entries' sizes.
class eviction_policy {
 public:
  virtual ~eviction_policy() = default;

  virtual void on_insert(stored_entry& entry) noexcept = 0;

  /// A hit that the filter let pass.
  virtual void on_hit(stored_entry& entry) noexcept = 0;

  /// The entry leaves, as a victim or for any other reason.
  virtual void on_erase(stored_entry& entry) noexcept = 0;

  /// The entry to evict next; null = there is none. It stays until on_erase().
  virtual stored_entry* victim() noexcept = 0;
};

}  // namespace weir
