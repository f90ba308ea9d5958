#pragma once

#include <weir/engine/environment.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace weir {

/// Callbacks ordered by time; those of the same time in the order in which they were added.
///
/// A heap of four children per node over slots that keep their place in it: add and cancel cost
/// O(log n) moves of 24 bytes, and a cancelled timer is gone at once. Not thread-safe, knows no
/// clock.
class timer_queue {
 public:
  static constexpr std::size_t max_timers = 1u << 24;

  /// `tag` (below 256) becomes part of every id, so that a holder of several queues finds the right
  /// one.
  explicit timer_queue(std::uint8_t tag = 0) noexcept : tag_(tag) {}

  /// Never 0, and not used again before four billion others. Throws std::length_error beyond
  /// max_timers.
  timer_id add(time_point when, completion<> callback);

  /// Takes the callback out, for the caller to destroy where it holds no lock. Empty if there is
  /// none.
  completion<> cancel(timer_id timer) noexcept;

  /// Takes out the earliest callback that is due at `now`. Empty if none is.
  completion<> pop_due(time_point now) noexcept;

  /// When the earliest is due.
  std::optional<time_point> next() const noexcept;

  /// Takes out all of them, in no order.
  std::vector<completion<>> clear();

  std::size_t size() const noexcept { return heap_.size(); }

  static std::uint8_t tag_of(timer_id timer) noexcept {
    return static_cast<std::uint8_t>(timer >> 24);
  }

 private:
  struct node {
    time_point when;
    std::uint64_t order;
    std::uint32_t slot;

    bool before(const node& other) const noexcept {
      return when != other.when ? when < other.when : order < other.order;
    }
  };

  struct slot {
    completion<> callback;
    std::uint32_t generation = 1;
    std::uint32_t place = 0;  // in the heap; the next free slot when there is no callback
  };

  static constexpr std::uint32_t none = UINT32_MAX;

  std::uint32_t take_slot();
  completion<> remove(std::uint32_t place) noexcept;
  void put(std::size_t place, const node& what) noexcept;
  void sift_up(std::size_t place, const node& what) noexcept;
  void sift_down(std::size_t place, const node& what) noexcept;

  std::vector<node> heap_;
  std::vector<slot> slots_;
  std::uint32_t free_ = none;
  std::uint64_t order_ = 0;
  std::uint8_t tag_;
};

}  // namespace weir
