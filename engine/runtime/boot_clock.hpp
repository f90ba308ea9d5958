#pragma once

#include <weir/engine/environment.hpp>

#include <atomic>
#include <cstdint>
#include <ctime>

namespace weir {

/// The two clocks of a runtime: CLOCK_BOOTTIME, and a cheap one that follows it.
///
/// The kernel has no coarse CLOCK_BOOTTIME, so the cheap one is CLOCK_MONOTONIC_COARSE plus the
/// time slept so far. That sum is only ever measured too small and only ever raised: coarse_now()
/// neither goes back nor runs ahead of now().
class boot_clock {
 public:
  boot_clock() noexcept { measure(); }

  time_point now() const noexcept {
    const std::int64_t boot = read(CLOCK_BOOTTIME);
    if (boot - coarse() > 2 * max_tick_ns) measure();
    return time_point(steady_duration(boot));
  }

  time_point coarse_now() const noexcept { return time_point(steady_duration(coarse())); }

 private:
  static constexpr std::int64_t max_tick_ns = 10'000'000;

  static std::int64_t read(clockid_t which) noexcept {
    timespec at;
    ::clock_gettime(which, &at);
    return at.tv_sec * std::int64_t{1'000'000'000} + at.tv_nsec;
  }

  std::int64_t coarse() const noexcept {
    return read(CLOCK_MONOTONIC_COARSE) + slept_.load(std::memory_order_relaxed);
  }

  void measure() const noexcept {
    const std::int64_t boot = read(CLOCK_BOOTTIME);  // first, so that the difference is too small
    const std::int64_t measured = boot - read(CLOCK_MONOTONIC);
    std::int64_t known = slept_.load(std::memory_order_relaxed);
    while (known < measured &&
           !slept_.compare_exchange_weak(known, measured, std::memory_order_relaxed)) {
    }
  }

  mutable std::atomic<std::int64_t> slept_{INT64_MIN / 2};
};

}  // namespace weir
