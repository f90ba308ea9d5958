#pragma once

#include <weir/engine/api.hpp>

namespace weir WEIR_API {

/// The rules that make the promises hold, one switch each. All on in the product.
///
/// The simulator turns one off at a time to prove that it is needed; nothing else may.
struct protocol_rules {
  // The owner
  bool fence_at_load_end = true;        ///< R2: a load that was overtaken is not kept
  bool leave_overtaken_flights = true;  ///< R1: nobody joins a flight that was overtaken
  bool fence_on_eviction = true;        ///< R4
  bool floor_on_clear = true;           ///< R5
  bool new_epoch_per_term = true;       ///< R8: a slot that comes back gets a new epoch
  bool recheck_fence_after_peek =
      true;  ///< R8: a peeked value is not kept when a change passed meanwhile

  // Records
  bool records_reach_every_role =
      true;  ///< a record drops owned entries and flights too, not near copies only
  bool records_drop_gutter_copies = true;  ///< a record drops a gutter copy
  bool near_by_version = true;             ///< N3: a record never replaces a later near copy

  // Silent owners
  bool leave_flights_at_gutter = true;  ///< nobody joins a fetch whose gutter node was asked
  bool loading_ends_hedge = true;       ///< an owner that loads is not silent
  bool wait_again_after_pause = true;   ///< a node that stood still has not heard what came
  bool spare_puts_from_hedges =
      true;  ///< what was put into the owner's memory alone is nowhere else

  // The lease
  bool lease_from_sending =
      true;  ///< a grant counts from when the heartbeat left, not from its answer
  bool lease_by_fresh_clock = true;  ///< N5: judged with a clock read after the request arrived
  bool join_only_with_lease = true;  ///< a reader without a lease waits for a load of his own
  bool lone_only_when_told = true;   ///< no lease of a lone node before discovery has answered

  // Agreement
  bool wait_for_all = true;  ///< OK only when every member confirmed or was voted leaseless
  bool keep_hints = true;    ///< a voter keeps what the missing member missed
  bool hints_of_old_electorate =
      true;  ///< entries survive a lost lease only with the hints of those who could vote
  bool two_rounds_without_owner = true;  ///< a change that no owner ordered goes round twice
  bool two_rounds_across_views = true;   ///< as does one that met another view
  bool agree_on_views = true;    ///< a view is replaced only when a majority of it knows the next
  bool half_of_named = true;     ///< half of those whom discovery names have a part in what counts
  bool rest_after_pause = true;  ///< a node that stood still votes nothing for a lease time

  // Strangers: whom discovery names and nobody has met
  bool strangers_count_at_start =
      true;  ///< to a node that starts they are a part of each view, and half is not enough
  bool strangers_count_as_named = true;  ///< to others they are a part of those who are named
  bool strangers_may_hold_leases =
      true;  ///< no change is confirmed by those who may have granted them in an earlier life
  bool hints_of_named =
      true;  ///< entries survive a lost lease only with the hints of enough of those who are named
  bool wait_until_vouched =
      true;  ///< whom discovery has just marked as serving is no part of a first majority
  bool doubt_lost_marks = true;  ///< what discovery that fails has marked before counts no more
};

}  // namespace weir
