#include "tests/sim/sim_scenario.hpp"

#include "tests/sim/sim_workload.hpp"

namespace weir::sim {

namespace {

source_habits steady_source() {
  source_habits habits;
  habits.absent = 0.05;
  habits.large_values = 0.10;
  return habits;
}

source_habits troubled_source() {
  source_habits habits = steady_source();
  habits.errors = 0.01;
  habits.throws = 0.005;
  habits.hangs = 0.002;
  habits.too_much = 0.002;
  return habits;
}

}  // namespace

cluster_options cluster_of(const scenario& of) {
  cluster_options options;
  options.seed = of.seed;
  options.nodes = of.nodes;
  options.engine.rules = of.rules;
  keyspace_options users;
  users.name = "users";
  users.ttl = 8s;
  users.negative_ttl = 2s;
  users.writes = writes::allow;
  users.loads.timeout = 1s;
  keyspace_options tiny = users;  // too small for its keys: something is always evicted
  tiny.name = "tiny";
  tiny.ttl = 30s;
  tiny.max_memory = 64u << 10;
  tiny.max_entry = 16u << 10;
  options.keyspaces = {users, tiny};
  return options;
}

verdict play(const scenario& what, const std::function<void(cluster&)>& inspect) {
  cluster run(cluster_of(what));
  run.source().set_habits(steady_source());
  workload_habits habits;
  habits.requests_per_second = what.requests_per_second;
  workload clients(run, habits);
  const instant healed = what.calm + what.faults;
  const instant end = healed + what.recovery + what.proof;

  run.run_for(2s);  // the nodes find each other
  clients.run(end);
  run.world().at(what.calm, [&run] { run.source().set_habits(troubled_source()); });
  run.world().at(healed, [&run] { run.source().set_habits(steady_source()); });
  schedule_faults(run, {.from = what.calm, .until = healed});
  run.run_for(end + 4s - run.now());  // the last requests end within their time-out

  check_options checks;
  checks.calm_until = what.calm;
  checks.healed_at = healed;
  checks.recovered_at = healed + what.recovery;
  verdict found = judge(run, checks);
  if (inspect) inspect(run);
  return found;
}

}  // namespace weir::sim
