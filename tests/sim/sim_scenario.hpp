#pragma once

#include "tests/sim/sim_checker.hpp"
#include "tests/sim/sim_cluster.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>

namespace weir::sim {

/// The run of one seed: calm, then faults drawn by the seed, then everything is mended and the
/// cluster has to recover by itself.
struct scenario {
  std::uint64_t seed = 1;
  std::size_t nodes = 3;
  double requests_per_second = 200;
  protocol_rules rules;  ///< one of them off: the run should find out
  duration calm = 6s;
  duration faults = 30s;
  duration recovery = 16s;  ///< the longest ejection and its probes
  duration proof = 6s;      ///< how long the cluster must then be as good as before
};

/// The cluster of a scenario, not yet run.
cluster_options cluster_of(const scenario& of);

/// Runs a scenario to its end and judges it. `inspect` sees the cluster before it goes.
verdict play(const scenario& what, const std::function<void(cluster&)>& inspect = {});

}  // namespace weir::sim
