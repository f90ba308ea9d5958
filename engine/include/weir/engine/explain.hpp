#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/entry.hpp>

#include <chrono>
#include <string>
#include <vector>

namespace weir WEIR_API {

/// One step of a get, with what happened and how long it took.
struct explain_step {
  std::string node;    ///< where it happened
  std::string step;    ///< "asked", "slot", "near", "peer", "flight", "source", "kept", ...
  std::string detail;  ///< in words, units included
  std::chrono::microseconds took{0};
};

/// The steps of one get in order, hops included. Filled when get_options::explain points to it.
struct explanation {
  std::vector<explain_step> steps;
};

}  // namespace weir
