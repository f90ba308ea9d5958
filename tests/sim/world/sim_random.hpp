#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace weir::sim {

/// Spreads the bits of `x`; the finaliser of splitmix64 (Steele et al., OOPSLA 2014).
constexpr std::uint64_t mix(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

/// One stream of the randomness of a seed. Streams of different names do not disturb each other, so
/// that one more draw in the network leaves the workload as it was.
class random_stream {
 public:
  random_stream(std::uint64_t seed, std::uint64_t name) noexcept : state_(mix(seed) ^ mix(~name)) {}

  std::uint64_t next() noexcept { return mix(state_ += 0x9e3779b97f4a7c15); }

  /// In [0, 1).
  double uniform() noexcept { return static_cast<double>(next() >> 11) * 0x1p-53; }

  double uniform(double low, double high) noexcept { return low + (high - low) * uniform(); }

  bool chance(double probability) noexcept { return uniform() < probability; }

  /// In [0, count); 0 for 0.
  std::size_t below(std::size_t count) noexcept { return count == 0 ? 0 : next() % count; }

  std::chrono::nanoseconds between(
      std::chrono::nanoseconds low, std::chrono::nanoseconds high
  ) noexcept {
    return low + std::chrono::nanoseconds(static_cast<std::int64_t>(
                     static_cast<double>((high - low).count()) * uniform()
                 ));
  }

  /// Exponential with this mean, cut off at `most`.
  std::chrono::nanoseconds exponential(
      std::chrono::nanoseconds mean, std::chrono::nanoseconds most
  ) noexcept {
    const double drawn = -std::log(1.0 - uniform()) * static_cast<double>(mean.count());
    return std::min(most, std::chrono::nanoseconds(static_cast<std::int64_t>(drawn)));
  }

 private:
  std::uint64_t state_;
};

}  // namespace weir::sim
