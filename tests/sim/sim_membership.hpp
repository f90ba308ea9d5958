#pragma once

#include "tests/sim/sim_scheduler.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weir::sim {

/// After every fault has ended and a majority is connected, all running nodes have one view within
/// this time.
inline constexpr duration views_agree_within = 3s;

/// What came of one way in which nodes may find, lose or mistake each other.
struct membership_finding {
  std::vector<std::string> wrong;  ///< what should not have happened; empty = all held
  duration agreed_after{0};        ///< from the last cause of trouble until all views were one
};

/// A scripted course of a cluster's membership; the seed draws sizes, times and clocks.
struct membership_case {
  std::string_view name;
  membership_finding (*play)(std::uint64_t seed);
};

std::span<const membership_case> membership_cases() noexcept;

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
