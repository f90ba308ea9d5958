#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <vector>

namespace weir::sim {

/// How all caches become empty at once.
enum class emptied_by : std::uint8_t { clear, restart };

inline std::ostream& operator<<(std::ostream& out, emptied_by how) {
  return out << (how == emptied_by::clear ? "clear" : "restart");
}

/// Reads of Zipf's distribution (0.99) over a source that refuses what it cannot take.
struct refill_plan {
  std::uint64_t seed = 1;
  emptied_by how = emptied_by::clear;
  std::size_t nodes = 3;
  std::size_t keys = 20'000;
  double reads_per_second = 5'000;
  double loads_per_second = 500;  ///< more are refused
  std::size_t concurrent = 64;    ///< loads per node
  int seconds = 60;               ///< that are looked at
};

/// One second after the caches were emptied.
struct refill_second {
  std::uint64_t reads = 0;
  std::uint64_t hits = 0;
  std::uint64_t failed = 0;
  std::uint64_t taken = 0;    ///< loads that the source answered
  std::uint64_t refused = 0;  ///< loads that it refused

  double hit_ratio() const noexcept {
    return reads == 0 ? 0 : static_cast<double>(hits) / static_cast<double>(reads);
  }
};

/// How the caches filled again.
struct refill_course {
  double before = 0;  ///< hit ratio while they were full
  std::vector<refill_second> seconds;
  std::size_t most_running = 0;  ///< loads of one node at one time
  int recovered_after = 0;       ///< seconds until 95 % of `before` for good; 0 = not within them
  std::uint64_t unanswered = 0;  ///< reads that never ended
};

refill_course play_refill(const refill_plan& plan);

}  // namespace weir::sim
