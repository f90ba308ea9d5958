#pragma once

#include "tests/sim/courses/sim_faults.hpp"
#include "tests/sim/courses/sim_workload.hpp"
#include "tests/sim/judges/sim_checker.hpp"
#include "tests/sim/world/sim_cluster.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>

namespace weir::sim {

/// What a run is about. All but `general` put many seeds' worth of one kind of trouble into a short
/// run, so that a rule that is missing shows early.
enum class flavour {
  general,    ///< everything, in the proportions of a bad day
  freezes,    ///< nodes stand still, and voters restart meanwhile
  voters,     ///< a node stands still, and all who know what it missed restart meanwhile
  severed,    ///< a node stands still, and one of the others stays out of its reach when it is back
  cuts,       ///< links end in one way or both; owners are out of reach
  members,    ///< nodes join, leave, are dropped and come back while keys change
  restarts,   ///< nodes lose their memory, some come back blind
  terms,      ///< one node leaves and comes back again and again, so that its slots wander
  shifts,     ///< the same on a lumpy ring: slots wander between nodes that stay, which peek, while
              ///< records come late and every change is read at once
  lags,       ///< answers take long to come, and nodes stand still while they are on their way
  wires,      ///< messages come late, twice or not at all, and values are pushed
  owner,      ///< no faults: one hot set of keys, tiny memory, clears and preconditions
  goodbyes,   ///< of three nodes one leaves, and comes back to one that starts anew
  outages,    ///< a majority is lost at once, again and again
  growth,     ///< two become three while one of them stands still
  silences,   ///< owners stand still for 0.3 to 5 s while they are read, and the source is slow
  strangers,  ///< a ring is to grow, and its newcomers are cut off from it
  feeds,      ///< the source tells of its own changes, late, and with gaps, while slots wander
  last = feeds,
};

std::string_view name(flavour of) noexcept;

/// The run of one seed: calm, then faults drawn by the seed, then everything is mended and the
/// cluster has to recover by itself.
struct scenario {
  std::uint64_t seed = 1;
  flavour about = flavour::general;
  std::size_t nodes = 0;  ///< 0 = 3, 5 or 7, by the seed
  double requests_per_second = 250;
  protocol_rules rules;                ///< one of them off: the run should find out
  bool clock_stops_in_freeze = false;  ///< so does this
};

/// The cluster of a scenario, not yet run.
cluster_options cluster_of(const scenario& of);

/// Runs a scenario to its end, or to its first violation, and judges it. `inspect` sees the cluster
/// before it goes.
verdict play(const scenario& what, const std::function<void(cluster&)>& inspect = {});

}  // namespace weir::sim
