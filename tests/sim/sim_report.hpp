#pragma once

#include "tests/sim/courses/sim_refill.hpp"
#include "tests/sim/courses/sim_storm.hpp"
#include "tests/sim/judges/sim_checker.hpp"
#include "tests/sim/world/sim_cluster.hpp"

#include <cstddef>
#include <cstdint>

namespace weir::sim {

// What weir_sim prints.

/// As printf() takes it.
inline unsigned long long number(std::uint64_t of) noexcept {
  return of;
}

/// The table at the end; sorts the times in `of`.
void print(verdict& of, double seconds);

void print(const churn_cost& storm, std::size_t wanderers);

void print(const refill_course& course, const refill_plan& plan);

/// Every fault, request and load of one run.
void print_history(cluster& run);

/// To a person at a terminal: how far it is.
void show_progress(const verdict& so_far, std::uint64_t seeds);

/// False, and says why, if the clusters answered or confirmed too little. Only the sum of many runs
/// says something about that.
bool does_enough(const verdict& all);

}  // namespace weir::sim
