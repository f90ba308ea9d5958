#pragma once

#include <weir/engine/environment.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace weir {

/// When the source's feed of changes last spoke of a key: what was loaded before that is not kept,
/// from wherever it comes (F2). Keys share places, which only keeps less.
///
/// Thread-safe; exact for a key under the lock of its shard.
class told_times {
 public:
  void note(std::uint64_t hash, time_point now) noexcept { set(places_[hash % places], now); }

  void note_all(time_point now) noexcept { set(all_, now); }

  /// Whether what was loaded at `began` or later holds all that was told of the key. Ages travel in
  /// whole milliseconds, so `began` may be almost one too late.
  bool is_newer(std::uint64_t hash, time_point began) const noexcept {
    const auto at = (began - milliseconds(1)).time_since_epoch().count();
    return at > all_.load(std::memory_order_acquire) &&
           at > places_[hash % places].load(std::memory_order_acquire);
  }

 private:
  using count = std::atomic<steady_duration::rep>;
  static constexpr std::size_t places = 4'096;

  static void set(count& place, time_point now) noexcept {
    place.store(now.time_since_epoch().count(), std::memory_order_release);
  }

  std::array<count, places> places_{};
  count all_{0};
};

}  // namespace weir
