#pragma once

#include "entries/stored_entry.hpp"

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

/// A hash set of entries: groups of seven in one cache line each, so that a look-up misses the
/// processor's caches once here and once in the entry.
///
/// A group is seven tags (a byte of the hash, 0 = free), the number of entries that found it full
/// and went on, and seven pointers. The tags are compared eight at a time in one word. As in F14,
/// that number ends a search without tombstones. Not thread-safe, except for prefetch(). Empty, it
/// takes no memory.
class entry_index {
 public:
  entry_index() noexcept = default;
  entry_index(const entry_index&) = delete;
  entry_index& operator=(const entry_index&) = delete;
  ~entry_index();

  std::size_t size() const noexcept { return size_; }

  /// Bytes taken by the groups.
  std::size_t memory() const noexcept;

  /// The entry of `key`, or null. Never allocates.
  stored_entry* find(std::string_view key, std::uint64_t hash) const noexcept {
    const auto* groups = groups_.load(std::memory_order_relaxed);
    const auto mask = mask_.load(std::memory_order_relaxed);
    const auto wanted = tag_of(hash);
    auto at = place_of(hash);
    for (std::size_t probes = 0; probes <= mask; ++probes, ++at) {
      const auto& group = groups[at & mask];
      for (auto found = matches(group.tags, wanted); found != 0; found &= found - 1) {
        auto* entry = group.entries[std::countr_zero(found) / 8];
        prefetch_behind(entry);
        if (entry->is(key, hash)) return entry;
      }
      if (group.tags >> 56 == 0) [[likely]]
        break;
    }
    return nullptr;
  }

  /// Asks for the line where find() will begin. The only member that needs no lock.
  void prefetch(std::uint64_t hash) const noexcept {
    // Both numbers may be of different moments; a prefetch of a wrong address is only useless.
    const auto* groups = groups_.load(std::memory_order_relaxed);
    __builtin_prefetch(groups + (place_of(hash) & mask_.load(std::memory_order_relaxed)));
  }

  /// Makes room for one more; insert() needs it. Doubles the groups when they are 4/5 full, at some
  /// 30 ns per entry in one go. Throws std::bad_alloc and then changes nothing.
  void reserve_one() {
    if (size_ >= limit_) grow();
  }

  /// Adds an entry whose key is not there. Only after reserve_one().
  void insert(stored_entry& entry) noexcept;

  /// Removes an entry that is there.
  void erase(const stored_entry& entry) noexcept;

  /// Number of groups, for visit_group().
  std::size_t group_count() const noexcept;

  /// Calls `visit(stored_entry&)` for each entry of one group; it may erase the one it is called
  /// with.
  template <class Visit>
  void visit_group(std::size_t index, Visit&& visit) {
    auto& group = groups_.load(std::memory_order_relaxed)[index];
    for (auto full = occupied(group.tags); full != 0; full &= full - 1) {
      visit(*group.entries[std::countr_zero(full) / 8]);
    }
  }

 private:
  static constexpr std::size_t group_size = 7;

  struct alignas(64) group {
    // Byte i: tag of entries[i]; top byte: entries that went on, saturating.
    std::uint64_t tags = 0;
    stored_entry* entries[group_size] = {};
  };

  static constexpr std::uint64_t each_tag = 0x0001010101010101;
  static constexpr std::uint64_t each_top = 0x0080808080808080;

  // The shard took the top bits of the hash; here bits 0-7 are the tag and 8-57 the place.
  static std::uint64_t tag_of(std::uint64_t hash) noexcept {
    const auto tag = hash & 0xff;
    return tag == 0 ? 1 : tag;
  }

  static std::size_t place_of(std::uint64_t hash) noexcept { return hash >> 8; }

  // The top bit of each of the seven bytes that is not 0, or that equals the tag.
  static std::uint64_t occupied(std::uint64_t tags) noexcept {
    constexpr std::uint64_t low = each_top - each_tag;
    return (((tags & low) + low) | tags) & each_top;
  }

  static std::uint64_t matches(std::uint64_t tags, std::uint64_t tag) noexcept {
    return ~occupied(tags ^ (tag * each_tag)) & each_top;
  }

  // The lines behind the one that is() reads first, for keys and values of usual size.
  static void prefetch_behind(const stored_entry* entry) noexcept {
    const auto* begin = reinterpret_cast<const char*>(&entry->hash);
    __builtin_prefetch(begin + 64);
    __builtin_prefetch(begin + 128);
  }

  void place(group* groups, std::size_t mask, stored_entry& entry) noexcept;
  void grow();

  static group nothing;

  std::atomic<group*> groups_{&nothing};
  std::atomic<std::size_t> mask_{0};
  std::size_t size_ = 0;
  std::size_t limit_ = 0;
};

}  // namespace weir
