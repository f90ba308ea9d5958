#pragma once

#include <cstdint>

namespace weir::sim {

/// What a change costs in each state of the cluster: plays `seeds` seeds of each and prints the
/// worst. False if one was over its bound.
bool keeps_bounds(std::uint64_t first, std::uint64_t seeds);

}  // namespace weir::sim
