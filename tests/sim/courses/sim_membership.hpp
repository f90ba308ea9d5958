#pragma once

#include "tests/sim/world/sim_scheduler.hpp"

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

}  // namespace weir::sim
