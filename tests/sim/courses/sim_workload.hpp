#pragma once

#include "tests/sim/world/sim_cluster.hpp"
#include "tests/sim/world/sim_random.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace weir::sim {

/// What clients do with one keyspace. Shares are of its requests; the rest are plain reads.
struct keyspace_habits {
  double weight = 1;            ///< of all requests, relative to the other keyspaces
  double silent_writes = 0.01;  ///< the database changes and nobody is told; no request
  double invalidations = 0.03;  ///< after a change of the database
  double puts = 0;
  double conditional_puts = 0;  ///< after a read: unchanged since
  double removals = 0;
  double clears = 0.0005;
  double owner_reads = 0.01;
  double fresh_reads = 0.005;
};

/// What the clients of all nodes do together.
struct workload_habits {
  double requests_per_second = 200;
  std::size_t keys = 60;  ///< per keyspace, read by zipf(`skew`)
  double skew = 0.99;
  std::size_t sessions = 3;  ///< clients of each node that keep one connection
  double fresh_basis =
      0.2;  ///< how often the old version for a precondition is replaced by a newer one
  std::size_t echoes = 0;  ///< reads that follow every change of a key, from all nodes
  duration echo_within = 4ms;
  milliseconds timeout{3000};
  std::map<std::string, keyspace_habits> keyspaces{};  ///< those not named here are as the default
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
  using row = std::pair<std::string, std::string>;

  void arrive();
  void read_again(const cluster::request& changed);
  cluster::request draw();
  void draw_kind(cluster::request& what, const keyspace_habits& of);
  bool give_basis(cluster::request& what);
  std::size_t draw_node();
  const keyspace_habits& habits_of(const std::string& keyspace) const;

  cluster& on_;
  const workload_habits habits_;
  random_stream random_;
  std::vector<double> popularity_;  // cumulated
  std::vector<double> weights_;     // of the keyspaces, cumulated
  std::map<row, std::uint64_t> last_read_;
  std::map<row, std::uint64_t> old_read_;
  instant until_{0};
};

}  // namespace weir::sim
