#include "membership/health.hpp"

#include <algorithm>

namespace weir {
namespace {

health eject(const health& before, time_point now, const health_settings& settings) {
  const bool was_well_for_long =
      before.now == health::state::reachable && now - before.since >= settings.forget_ejections;
  const auto doubled = before.ejection == milliseconds(0) || was_well_for_long
                           ? settings.min_ejection
                           : std::min(before.ejection * 2, settings.max_ejection);
  return {.now = health::state::unreachable, .since = now, .misses = 0, .ejection = doubled};
}

}  // namespace

member_state shown(health::state now) noexcept {
  switch (now) {
    case health::state::unproven:
      return member_state::unproven;
    case health::state::reachable:
      return member_state::reachable;
    case health::state::unreachable:
      return member_state::unreachable;
  }
  return member_state::unproven;
}

health next(
    const health& before,
    health_event event,
    time_point now,
    const health_settings& settings,
    bool may_eject
) {
  health after = before;
  switch (event) {
    case health_event::proven:
    case health_event::answered:
      after.misses = 0;
      if (before.now == health::state::unreachable && now - before.since < before.ejection) break;
      if (before.now != health::state::reachable) {
        after.now = health::state::reachable;
        after.since = now;
      }
      break;
    case health_event::missed:
      if (before.now != health::state::reachable) break;
      ++after.misses;
      if (after.misses >= settings.misses && may_eject) after = eject(before, now, settings);
      break;
    case health_event::lost:
      if (before.now == health::state::reachable) after = eject(before, now, settings);
      break;
  }
  return after;
}

}  // namespace weir
