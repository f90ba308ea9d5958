#pragma once

#include <weir/engine/api.hpp>

namespace weir WEIR_API {

/// The rules that make the promises hold, one switch each. All on in the product.
///
/// The simulator turns one off at a time to prove that it is needed; nothing else may. Codes such
/// as R2 and N5 are defined in docs/protocol.md.
struct protocol_rules {
  // The owner
  bool fence_at_load_end = true;        ///< R2: a load that was overtaken is not kept
  bool leave_overtaken_flights = true;  ///< R1: nobody joins a flight that was overtaken
  bool fence_on_eviction = true;        ///< R4
  bool floor_on_clear = true;           ///< R5
  bool new_epoch_per_term = true;       ///< R8: a slot that comes back gets a new epoch
  /// R8: a peeked value is not kept when a change passed meanwhile.
  bool recheck_fence_after_peek = true;

  // Records
  /// A record drops owned entries and flights too, not near copies only.
  bool records_reach_every_role = true;
  bool records_drop_gutter_copies = true;  ///< a record drops a gutter copy
  bool near_by_version = true;             ///< N3: a record never replaces a later near copy

  // Silent owners
  bool leave_flights_at_gutter = true;  ///< nobody joins a fetch whose gutter node was asked
  bool loading_ends_hedge = true;       ///< an owner that loads is not silent
  bool wait_again_after_pause = true;   ///< a node that stood still has not heard what came
  /// What was put into the owner's memory alone is nowhere else.
  bool spare_puts_from_hedges = true;

  // The lease
  /// A grant counts from when the heartbeat left, not from its answer.
  bool lease_from_sending = true;
  bool lease_by_fresh_clock = true;  ///< N5: judged with a clock read after the request arrived
  bool join_only_with_lease = true;  ///< a reader without a lease starts its own load
  bool lone_only_when_told = true;   ///< no lease of a lone node before discovery has answered

  // Agreement
  bool wait_for_all = true;  ///< OK only when every member confirmed or was voted leaseless
  bool keep_hints = true;    ///< a voter keeps what the missing member missed
  /// Entries survive a lost lease only with the hints of the members that could vote.
  bool hints_of_old_electorate = true;
  bool two_rounds_without_owner = true;  ///< a change that no owner ordered is broadcast twice
  bool two_rounds_across_views = true;   ///< so is a change that met another view
  bool agree_on_views = true;    ///< a view is replaced only when a majority of it knows the next
  bool half_of_named = true;     ///< every quorum includes half of the discovered nodes
  bool rest_after_pause = true;  ///< a node that stood still does not vote for a lease time

  // Strangers: nodes that discovery names and this node has not met
  /// A node that starts counts them as part of each view, and half is not enough.
  bool strangers_count_at_start = true;
  bool strangers_count_as_named = true;  ///< a settled node counts them among the discovered nodes
  /// A change is not confirmed by nodes whose earlier life may have granted a stranger its lease.
  bool strangers_may_hold_leases = true;
  /// Entries survive a lost lease only with the hints of enough of the discovered nodes.
  bool hints_of_named = true;
  /// A node that discovery has just marked as serving is no part of a first majority.
  bool wait_until_vouched = true;
  bool doubt_lost_marks = true;  ///< once discovery fails, its earlier marks no longer count

  // The source's own changes
  bool reset_on_gap = true;        ///< F1: what was kept before a gap of the feed is dropped
  bool reset_overtakes = true;     ///< F1: so is what is loaded across it
  bool live_feed_for_hits = true;  ///< F3: no hit while the feed is silent
  bool told_before_kept = true;    ///< F2: nothing loaded before the last word of a key is kept
  bool told_during_write = true;   ///< F4: a change told during a write is not covered by its value
};

}  // namespace weir
