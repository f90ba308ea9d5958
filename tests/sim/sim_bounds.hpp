#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace weir::sim {

/// What the changes of one phase cost, each, beside what the same cluster does without them.
struct change_cost {
  double timers = 0;    ///< set on all nodes
  double votes = 0;     ///< requests to vote, sent
  double messages = 0;  ///< of any kind, in both directions
  double bytes = 0;     ///< of records, hints and waiting changes on all nodes, at their most
  double left = 0;      ///< timers and messages a second once every change has ended, not per change

  void raise_to(const change_cost& other) noexcept;
};

/// A state of the cluster in which changes are made, and what one may cost there.
struct cost_phase {
  std::string_view name;
  change_cost most;
  change_cost (*measure)(std::uint64_t seed);
};

std::span<const cost_phase> cost_phases() noexcept;

/// Plays `seeds` seeds of each phase and prints the worst of each. False if one was over its bound.
bool keeps_bounds(std::uint64_t first, std::uint64_t seeds);

}  // namespace weir::sim
