#pragma once

#include <atomic>
#include <cstdint>

namespace weir {

/// What the entries of one kind in one keyspace may take on this node, counted as really taken:
/// blocks with the allocator's overhead and a share of the index. Shared by all shards.
///
/// `used` exceeds `limit` only while an insert evicts others.
struct byte_budget {
  std::atomic<std::uint64_t> used{0};
  std::atomic<std::uint64_t> limit{0};
  std::atomic<std::uint64_t> absent_used{0};  ///< of `used`: entries of keys that are absent

  /// Of the limit, for entries of absent keys: any client can ask for keys that do not exist, and
  /// must not drive out the values.
  static constexpr std::uint64_t absent_percent = 10;

  bool is_on() const noexcept { return limit.load(std::memory_order_relaxed) != 0; }

  bool is_exceeded() const noexcept {
    return used.load(std::memory_order_relaxed) > limit.load(std::memory_order_relaxed);
  }

  bool is_absent_exceeded() const noexcept {
    return absent_used.load(std::memory_order_relaxed) > limit / 100 * absent_percent;
  }

  /// Whether entries must be evicted.
  bool has_excess() const noexcept { return is_exceeded() || is_absent_exceeded(); }

  /// False for an entry that would displace more than half of the others; it is not kept at all.
  bool fits(std::uint64_t charge) const noexcept {
    return charge <= limit.load(std::memory_order_relaxed) / 2;
  }

  void take(std::uint64_t charge) noexcept { used.fetch_add(charge, std::memory_order_relaxed); }

  void give_back(std::uint64_t charge) noexcept {
    used.fetch_sub(charge, std::memory_order_relaxed);
  }

  /// Beside take() and give_back(), for the entry of an absent key.
  void take_absent(std::uint64_t charge) noexcept {
    absent_used.fetch_add(charge, std::memory_order_relaxed);
  }

  void give_back_absent(std::uint64_t charge) noexcept {
    absent_used.fetch_sub(charge, std::memory_order_relaxed);
  }
};

}  // namespace weir
