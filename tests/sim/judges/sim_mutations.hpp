#pragma once

#include "tests/sim/courses/sim_scenario.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace weir::sim {

/// One rule of the protocol, switched off, and the trouble in which that shows.
struct mutation {
  std::string_view name;
  bool protocol_rules::*
      rule;  ///< null: a clock that stops in a freeze, which no rule can make good
  flavour about;
  bool shows_in_loads = false;  ///< not in an answer: in a load that nothing explains
  bool is_open =
      false;  ///< no scenario shows it yet: tried for a few seeds only, and the score says so
};

std::span<const mutation> mutations() noexcept;

/// What came of looking for a violation with one rule switched off.
struct capture {
  std::uint64_t seed = 0;  ///< the first one that broke a promise; 0 = none did
  std::string violation;   ///< its first line
};

/// The scenario of one seed under a mutation.
scenario mutated(const mutation& how, std::uint64_t seed);

/// Plays seeds 1, 2, ... up to `seeds` until an answer breaks a promise.
capture hunt(const mutation& how, std::uint64_t seeds);

}  // namespace weir::sim
