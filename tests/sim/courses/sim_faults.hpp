#pragma once

#include "tests/sim/world/sim_cluster.hpp"
#include "tests/sim/world/sim_random.hpp"

#include <cstddef>
#include <map>

namespace weir::sim {

/// What can go wrong. All of it is mended at the end of the plan.
enum class incident {
  crash,           ///< memory lost, back after a while
  quick_restart,   ///< back at once, or before anybody's lease or verdict has run out
  freeze,          ///< the whole process stands still; its clock goes on
  cut,             ///< one pair of nodes, one way or both
  isolation,       ///< one node from all others, in, out or both ways
  frozen_voter,    ///< a node freezes, and others restart while it does
  blind_restart,   ///< a node comes back cut off, and discovery does not answer it for a while
  join,            ///< a node that nobody knew is named, to one node after the other
  removal,         ///< discovery drops a node at one node after the other, and names it again later
  leave,           ///< a node says that it goes, ends, and comes back
  severed_freeze,  ///< a node freezes, and longer than that another one cannot send to it
  flap,            ///< the same node does so again and again
  bereavement,     ///< a node leaves, another is cut off, and then all others start anew
  outage,          ///< most nodes are killed or stand still at once, and come back
  growth,          ///< discovery names one more while a node stands still and another starts anew
};

/// What goes wrong in one run, drawn by its seed in [`from`, `until`), beside wires that lose,
/// double and delay.
struct fault_plan {
  instant from;
  instant until;
  std::map<incident, double> weights;  ///< how often each comes, relative to the others
  std::size_t least = 3;
  std::size_t most = 8;
  duration shortest_freeze = 500ms;
  duration longest_freeze = 30s;
  double bad_wires = 0.5;    ///< probability of each of loss, duplicates and late messages
  double worst_wires = 1;    ///< how much more of them than usual
  double late_messages = 0;  ///< at least this share of the messages is late
  duration latest = 1500ms;  ///< and at most so
  duration fastest = 100us;  ///< the mean delay of the wires lies between these
  duration slowest = 10ms;
};

void schedule_faults(cluster& on, const fault_plan& plan);

}  // namespace weir::sim
