#pragma once

#include "entries/stored_entry.hpp"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace weir {

/// Finds expired entries without looking at the others: a hierarchical timing wheel (Varghese and
/// Lauck 1987) with ticks of a quarter second, four levels of 64 slots and one list for what lies
/// beyond (48 days).
///
/// An entry is found with the first tick at or after its expiry at the latest, never before it
/// expired. All work is counted and bounded per call, also that of moving entries down a level.
/// Inserting and erasing are O(1). Not thread-safe. Takes 2 KiB from the first entry on, nothing
/// before.
class expiry_wheel {
 public:
  static constexpr steady_duration tick = std::chrono::milliseconds(250);

  /// Adds an entry; one that never expires is left out. `now` may be late, at worst by the entry's
  /// age. Throws std::bad_alloc for the very first one.
  void insert(stored_entry& entry, time_point now);

  /// Removes the entry if it is there.
  void erase(stored_entry& entry) noexcept;

  /// Takes out one entry that has expired at `now`, or null. Each entry looked at costs one of
  /// `steps`; when they reach 0 the answer is null too, and the next call goes on from there.
  stored_entry* next_expired(time_point now, std::size_t& steps) noexcept;

 private:
  static constexpr unsigned level_bits = 6;
  static constexpr unsigned levels = 4;
  static constexpr std::size_t slots = std::size_t{1} << level_bits;

  using tick_number = std::uint64_t;

  struct wheel {
    std::array<std::array<stored_entry*, slots>, levels> lists{};
    std::array<std::uint64_t, levels>
        maybe_used{};  // bit = the list was used since it was last taken
    stored_entry* beyond = nullptr;
    stored_entry* due = nullptr;  // taken from a list that came up: expired, or to be moved down
  };

  static tick_number first_tick_after(time_point when) noexcept;
  static tick_number last_tick_before(time_point when) noexcept;
  static void push(stored_entry*& list, stored_entry& entry) noexcept;
  static void splice(stored_entry*& from, stored_entry*& to) noexcept;
  void place(stored_entry& entry) noexcept;
  void enter(tick_number reached) noexcept;
  tick_number next_used_tick() const noexcept;

  std::unique_ptr<wheel> wheel_;
  tick_number current_ = 0;  // lists of earlier ticks are empty, and this one's has been taken
  std::size_t count_ = 0;
};

}  // namespace weir
