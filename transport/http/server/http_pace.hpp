#pragma once

#include <chrono>
#include <cstdint>

namespace weir {

/// Judges whether a transfer in one direction moves fast enough: never `stall` without a byte, and
/// once `grace` is over at least `min_rate` bytes per second on average. A value; no clock of its
/// own.
class http_pace {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  using milliseconds = std::chrono::milliseconds;

  void start(time_point now) noexcept {
    started_ = moved_ = now;
    bytes_ = 0;
  }

  void move(std::uint64_t bytes, time_point now) noexcept {
    bytes_ += bytes;
    moved_ = now;
  }

  bool too_slow(time_point now, milliseconds stall, milliseconds grace, std::uint64_t min_rate)
      const noexcept {
    if (now - moved_ >= stall) return true;
    const auto elapsed = std::chrono::duration_cast<milliseconds>(now - started_);
    return elapsed >= grace &&
           bytes_ < static_cast<std::uint64_t>(elapsed.count()) * min_rate / 1000;
  }

 private:
  time_point started_{};
  time_point moved_{};
  std::uint64_t bytes_ = 0;
};

}  // namespace weir
