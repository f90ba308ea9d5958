#pragma once

#include <weir/engine/environment.hpp>
#include <weir/engine/membership.hpp>

namespace weir {

/// What this node thinks of one peer's health. A value: next() makes the one after an event.
struct health {
  enum class state { unproven, reachable, unreachable };

  state now = state::unproven;
  time_point since{};        ///< of the state
  int misses = 0;            ///< probes missed in a row
  milliseconds ejection{0};  ///< how long it stays unreachable at least, this time or the last

  friend bool operator==(const health&, const health&) = default;
};

/// The state as members are shown.
member_state shown(health::state now) noexcept;

enum class health_event {
  proven,    ///< a handshake succeeded
  answered,  ///< a probe came back in time
  missed,    ///< a probe did not: soft evidence
  lost,      ///< refused or reset: hard evidence
};

/// The health after `event` at `now`. `may_eject` is false when soft evidence may not take one more
/// peer out.
///
/// Pure: the same arguments give the same answer.
health next(
    const health& before,
    health_event event,
    time_point now,
    const health_settings& settings,
    bool may_eject
);

}  // namespace weir
