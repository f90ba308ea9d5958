#pragma once

#include "tests/sim/courses/sim_faults.hpp"
#include "tests/sim/world/sim_cluster.hpp"

#include <cstddef>
#include <cstdint>

namespace weir::sim {

/// A ring that works, and newcomers that discovery names to it; drawn by the seed.
struct growth_plan {
  std::size_t old_nodes = 1;
  std::size_t nodes = 2;       ///< with the newcomers: two to five times as many, nine at most
  bool marks_serving = false;  ///< discovery marks who serves; else it may know ids
};

growth_plan growth_of(std::uint64_t seed);

/// Newcomers are named and start behind a cut from the old nodes, most of the time from all of
/// them. Meanwhile old nodes start anew, some of them on the other side of the cut, and some come
/// back; discovery marks old nodes as not serving, or does not reach them.
void schedule_strangers(cluster& on, const fault_plan& plan);

}  // namespace weir::sim
