#include "tests/sim/judges/sim_mutations.hpp"

#include <array>

namespace weir::sim {

namespace {

using rules = protocol_rules;

constexpr std::array mutation_table{
    // The owner
    mutation{"fence_at_load_end", &rules::fence_at_load_end, flavour::owner},
    mutation{"leave_overtaken_flights", &rules::leave_overtaken_flights, flavour::owner},
    mutation{"fence_on_eviction", &rules::fence_on_eviction, flavour::owner},
    mutation{"floor_on_clear", &rules::floor_on_clear, flavour::owner},
    mutation{"new_epoch_per_term", &rules::new_epoch_per_term, flavour::terms},
    mutation{"recheck_fence_after_peek", &rules::recheck_fence_after_peek, flavour::shifts},
    // Records
    mutation{"records_reach_every_role", &rules::records_reach_every_role, flavour::cuts},
    mutation{"records_drop_gutter_copies", &rules::records_drop_gutter_copies, flavour::cuts},
    mutation{"near_by_version", &rules::near_by_version, flavour::wires},
    // Silent owners
    mutation{"leave_flights_at_gutter", &rules::leave_flights_at_gutter, flavour::wires},
    mutation{"loading_ends_hedge", &rules::loading_ends_hedge, flavour::silences, true},
    mutation{"wait_again_after_pause", &rules::wait_again_after_pause, flavour::silences, true},
    mutation{"spare_puts_from_hedges", &rules::spare_puts_from_hedges, flavour::silences, true},
    // The lease
    mutation{"lease_from_sending", &rules::lease_from_sending, flavour::lags},
    mutation{"lease_by_fresh_clock", &rules::lease_by_fresh_clock, flavour::freezes},
    mutation{"join_only_with_lease", &rules::join_only_with_lease, flavour::freezes},
    mutation{"lone_only_when_told", &rules::lone_only_when_told, flavour::restarts},
    // Agreement
    mutation{"wait_for_all", &rules::wait_for_all, flavour::cuts},
    mutation{"keep_hints", &rules::keep_hints, flavour::severed},
    mutation{"hints_of_old_electorate", &rules::hints_of_old_electorate, flavour::voters},
    mutation{"two_rounds_without_owner", &rules::two_rounds_without_owner, flavour::cuts},
    mutation{"two_rounds_across_views", &rules::two_rounds_across_views, flavour::members},
    mutation{"agree_on_views", &rules::agree_on_views, flavour::members},
    mutation{"half_of_named", &rules::half_of_named, flavour::goodbyes},
    mutation{"rest_after_pause", &rules::rest_after_pause, flavour::growth},
    // Strangers
    mutation{"strangers_count_at_start", &rules::strangers_count_at_start, flavour::strangers},
    mutation{"strangers_count_as_named", &rules::strangers_count_as_named, flavour::strangers},
    mutation{"strangers_may_hold_leases", &rules::strangers_may_hold_leases, flavour::goodbyes},
    mutation{"hints_of_named", &rules::hints_of_named, flavour::strangers},
    mutation{"wait_until_vouched", &rules::wait_until_vouched, flavour::strangers},
    mutation{"doubt_lost_marks", &rules::doubt_lost_marks, flavour::strangers},
    // The source's own changes
    mutation{"reset_on_gap", &rules::reset_on_gap, flavour::feeds},
    mutation{"reset_overtakes", &rules::reset_overtakes, flavour::feeds},
    mutation{"live_feed_for_hits", &rules::live_feed_for_hits, flavour::feeds},
    mutation{"told_before_kept", &rules::told_before_kept, flavour::feeds},
    // The machine
    mutation{"clock_counts_in_a_freeze", nullptr, flavour::freezes},
};

}  // namespace

std::span<const mutation> mutations() noexcept {
  return mutation_table;
}

scenario mutated(const mutation& how, std::uint64_t seed) {
  scenario what;
  what.seed = seed;
  what.about = how.about;
  if (how.rule != nullptr) {
    what.rules.*how.rule = false;
  } else {
    what.clock_stops_in_freeze = true;
  }
  return what;
}

capture hunt(const mutation& how, std::uint64_t seeds) {
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const verdict found = play(mutated(how, seed));
    if (!found.is_broken && !(how.shows_in_loads && !found.violations.empty())) continue;
    const std::string& first = found.violations.front();
    return {seed, first.substr(0, first.find('\n'))};
  }
  return {};
}

}  // namespace weir::sim
