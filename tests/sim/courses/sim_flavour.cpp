#include "tests/sim/courses/sim_scenario.hpp"

namespace weir::sim {

std::string_view name(flavour of) noexcept {
  switch (of) {
    case flavour::general:
      return "general";
    case flavour::freezes:
      return "freezes";
    case flavour::voters:
      return "voters";
    case flavour::severed:
      return "severed";
    case flavour::cuts:
      return "cuts";
    case flavour::members:
      return "members";
    case flavour::restarts:
      return "restarts";
    case flavour::terms:
      return "terms";
    case flavour::shifts:
      return "shifts";
    case flavour::lags:
      return "lags";
    case flavour::wires:
      return "wires";
    case flavour::owner:
      return "owner";
    case flavour::goodbyes:
      return "goodbyes";
    case flavour::outages:
      return "outages";
    case flavour::growth:
      return "growth";
    case flavour::silences:
      return "silences";
    case flavour::strangers:
      return "strangers";
    case flavour::feeds:
      return "feeds";
  }
  return "?";
}

}  // namespace weir::sim
