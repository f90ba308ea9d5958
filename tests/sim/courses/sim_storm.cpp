#include "tests/sim/courses/sim_storm.hpp"

#include "tests/sim/world/sim_cluster.hpp"
#include "tests/sim/world/sim_random.hpp"

#include <string>
#include <utility>
#include <vector>

namespace weir::sim {

churn_cost play_churn(std::uint64_t seed, std::size_t wanderers) {
  constexpr std::size_t stay = 5;
  const std::size_t size = stay + wanderers;
  constexpr duration span = 30s;
  cluster_options options;
  options.seed = seed;
  options.nodes = size;
  options.knows_ids = seed % 2 == 0;
  keyspace_options users;
  users.name = "users";
  users.ttl = 10s;
  options.keyspaces = {users};
  cluster run(std::move(options));
  churn_cost cost;

  // The same reads in both spans, of nodes that stay.
  struct arrival {
    duration after;
    std::size_t node;
    std::string key;
  };

  random_stream random(seed, 0xc4a2);
  std::vector<arrival> reads;
  for (duration at{0}; at < span; at += random.exponential(2ms, 100ms))
    reads.push_back({at, random.below(stay), "k" + std::to_string(random.below(300))});
  cost.reads = reads.size();
  std::vector<std::uint64_t> asked;
  const auto read_all = [&] {
    for (const arrival& each : reads)
      run.world().after(each.after, [&run, &asked, each] {
        asked.push_back(run.start(each.node, {.key = each.key}));
      });
  };
  const auto loads_from = [&](std::size_t first) { return run.source().loads().size() - first; };

  run.run_for(3s);
  read_all();
  run.run_for(span);  // warms up
  std::size_t first = run.source().loads().size();
  read_all();
  run.run_for(span);
  cost.steady_loads = loads_from(first);

  first = run.source().loads().size();
  asked.clear();
  read_all();
  std::uint64_t view = run.at(0).view_digest();
  std::size_t next = 0;
  for (const instant until = run.now() + span; run.now() < until;) {
    const std::size_t node = stay + next++ % (size - stay);
    if (run.is_up(node)) {  // it says goodbye, and ends before it is its turn again
      run.leave(node);
      run.world().after(300ms, [&run, node] { run.kill(node); });
    } else {
      run.restart(node);
      run.end_change(fault_kind::leave, node);
    }
    ++cost.changes;
    for (int i = 0; i != 5; ++i) {
      run.run_for(20ms);
      const std::uint64_t now = run.at(0).view_digest();
      cost.view_changes += std::exchange(view, now) != now ? 1 : 0;
      for (std::size_t each = 0; each != stay; ++each, ++cost.looks)
        cost.leaseless += run.at(each).lease().is_valid ? 0 : 1;
    }
  }
  cost.churn_loads = loads_from(first);
  for (const std::uint64_t number : asked)
    cost.failed_reads += run.outcome(number).end == request_end::failed ? 1 : 0;
  return cost;
}

}  // namespace weir::sim
