#include "settled.hpp"

#include <chrono>
#include <string>

namespace weir {

readiness_check settled_check(const settling_facts& of, time_point now) {
  readiness_check check{.name = "settled", .state = check_state::passed, .detail = {}};
  const auto left = settled_at_the_latest - (now - of.started);
  const bool is_enough = of.progress.has_had_slots && of.progress.is_relied_on;
  if (of.is_draining) {
    check.state = check_state::failed;
    check.detail = "the node is going down";
  } else if (!of.was_settled && !is_enough && left.count() > 0) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(left).count();
    check.state = check_state::failed;
    check.detail = of.progress.has_had_slots ? "not all members have a lease from it yet"
                                             : "no lease and no share of the keys since the start";
    check.detail += "; settled in " + std::to_string(seconds) + " s whatever happens";
  }
  return check;
}

}  // namespace weir
