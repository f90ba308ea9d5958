#pragma once

#include "tests/sim/sim_cluster.hpp"
#include "tests/sim/sim_random.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace weir::sim {

/// What the clients of all nodes do together. Shares are of all requests; the rest are plain reads.
struct workload_habits {
  double requests_per_second = 200;
  std::size_t keys = 60;  ///< per keyspace, read by zipf(`skew`)
  double skew = 0.99;
  double silent_writes = 0.01;  ///< the database changes and nobody is told; no request
  double invalidations = 0.03;  ///< after a change of the database
  double puts = 0.01;
  double removals = 0.005;
  double clears = 0.0005;
  double fresh_reads = 0.005;
  milliseconds timeout{3000};
};

/// Open-loop clients: requests arrive as they like, whether or not earlier ones were answered.
class workload {
 public:
  workload(cluster& on, workload_habits habits);
  workload(const workload&) = delete;
  workload& operator=(const workload&) = delete;

  /// Requests arrive from now until `until`.
  void run(instant until);

 private:
  void arrive();
  cluster::request draw();
  std::size_t draw_node();

  cluster& on_;
  const workload_habits habits_;
  random_stream random_;
  std::vector<double> popularity_;  // cumulated
  instant until_{0};
};

/// What goes wrong in one run, drawn by its seed: at least one crash, one cut and one freeze in
/// [`from`, `until`), and wires that lose, double and delay messages. All of it is mended at
/// `until`.
struct fault_plan {
  instant from;
  instant until;
  std::size_t more_faults = 3;  ///< at most, besides the three
};

void schedule_faults(cluster& on, const fault_plan& plan);

}  // namespace weir::sim
