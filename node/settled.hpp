#pragma once

#include <weir/doors/http_door.hpp>
#include <weir/engine/environment.hpp>
#include <weir/engine/membership.hpp>

namespace weir {

/// When a node that has just started counts as settled whatever it lacks: a majority that is gone
/// must not block a rollout for ever.
inline constexpr milliseconds settled_at_the_latest{60'000};

/// What `/readyz?settled` judges by.
struct settling_facts {
  time_point started{};  ///< when the node opened its doors
  settling_progress progress;
  bool was_settled = false;  ///< at an earlier look
  bool is_draining = false;
};

/// The line "settled": whether the next node of a rollout may go down. Passed once the node has had
/// a lease and its slots and the others may rely on it, and from then on until it drains.
readiness_check settled_check(const settling_facts& of, time_point now);

}  // namespace weir
