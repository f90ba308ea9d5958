#pragma once

#include <cstddef>
#include <cstdint>

namespace weir::sim {

/// What a storm of joins and leaves costs the source.
struct churn_cost {
  std::uint64_t changes = 0;       ///< joins and leaves
  std::uint64_t reads = 0;         ///< in each of the two spans
  std::uint64_t steady_loads = 0;  ///< of the same reads while nothing changes
  std::uint64_t churn_loads = 0;
  std::uint64_t leaseless = 0;  ///< looks at a node that found it without a lease, in the storm
  std::uint64_t looks = 0;
  std::uint64_t failed_reads = 0;
  std::uint64_t view_changes = 0;  ///< seen at the node that stays, in the storm

  double ratio() const noexcept {
    return steady_loads == 0 ? 0
                             : static_cast<double>(churn_loads) / static_cast<double>(steady_loads);
  }
};

/// Ten joins and leaves per second for 30 s, of `wanderers` in turn beside five nodes that stay,
/// and 30 s of calm before.
churn_cost play_churn(std::uint64_t seed, std::size_t wanderers);

}  // namespace weir::sim
