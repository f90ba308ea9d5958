#pragma once

#include <weir/engine/environment.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace weir::sim {

using namespace std::chrono_literals;
using duration = std::chrono::nanoseconds;

/// Virtual time since the start of a simulation; no node can read it.
using instant = std::chrono::nanoseconds;

/// As reports show it: in seconds, to a tenth of a millisecond.
inline std::string text(instant when) {
  char out[32];
  std::snprintf(out, sizeof out, "%.4f s", static_cast<double>(when.count()) / 1e9);
  return out;
}

/// The clock of one machine: it runs `ppm` millionths too fast and started `offset` before the
/// simulation. It counts on while its node is frozen, as CLOCK_BOOTTIME does.
class node_clock {
 public:
  node_clock() = default;

  node_clock(std::int64_t ppm, duration offset) noexcept : ppm_(ppm), offset_(offset) {}

  time_point at(instant now) const noexcept {
    return time_point(offset_ + now + duration(scaled(now.count(), ppm_, million)));
  }

  /// The first instant at which the clock shows `local` or more.
  instant when(time_point local) const noexcept {
    const std::int64_t shown = (local.time_since_epoch() - offset_).count();
    instant guess(scaled(shown, million, million + ppm_));
    while (at(guess) < local) guess += 1ns;
    return guess;
  }

  double rate() const noexcept { return 1.0 + static_cast<double>(ppm_) / million; }

 private:
  static constexpr std::int64_t million = 1'000'000;

  static std::int64_t scaled(std::int64_t value, std::int64_t by, std::int64_t over) noexcept {
    __extension__ using wide = __int128;
    return static_cast<std::int64_t>(static_cast<wide>(value) * by / over);
  }

  std::int64_t ppm_ = 0;
  duration offset_{0};
};

}  // namespace weir::sim
