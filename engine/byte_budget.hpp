#pragma once

#include <atomic>
#include <cstdint>

namespace weir {

/// What the entries of one kind in one keyspace may take on this node, counted as really taken:
/// blocks with the allocator's overhead and a share of the index. Shared by all shards.
///
/// `used` passes `limit` for as long as an insert takes to evict others.
struct byte_budget {
  std::atomic<std::uint64_t> used{0};
  std::uint64_t limit = 0;

  bool is_exceeded() const noexcept { return used.load(std::memory_order_relaxed) > limit; }

  /// False for an entry that would displace more than half of the others; it is not kept at all.
  bool fits(std::uint64_t charge) const noexcept { return charge <= limit / 2; }

  void take(std::uint64_t charge) noexcept { used.fetch_add(charge, std::memory_order_relaxed); }

  void give_back(std::uint64_t charge) noexcept {
    used.fetch_sub(charge, std::memory_order_relaxed);
  }
};

}  // namespace weir
