#include "tests/sim/courses/sim_scenario.hpp"

#include "tests/sim/courses/sim_strangers.hpp"

namespace weir::sim {

namespace {

/// How long the parts of a run are, and what fills them.
struct timetable {
  duration calm = 6s;
  duration faults = 40s;
  duration recovery = 10s;  ///< after it, answers and latency must be as good as before
  duration proof = 10s;     ///< how long they must be; the longest ejection ends in it
};

source_habits steady_source(flavour about) {
  source_habits habits;
  habits.absent = 0.05;
  habits.large_values = 0.10;
  if (about == flavour::owner) {  // much is evicted
    habits.large_values = 0.9;
    habits.large_size = 7000;
  }
  return habits;
}

source_habits troubled_source(flavour about) {
  source_habits habits = steady_source(about);
  if (about == flavour::freezes) {
    habits.mean_time = 60ms;
    habits.longest_time = 800ms;
  }
  if (about == flavour::silences) {
    habits.mean_time = 80ms;
    habits.longest_time = 900ms;
    return habits;
  }
  if (about == flavour::feeds) {  // what is told must meet loads
    habits.mean_time = 40ms;
    habits.longest_time = 600ms;
  }
  habits.errors = 0.01;
  habits.throws = 0.005;
  habits.hangs = 0.002;
  habits.too_much = 0.002;
  return habits;
}

timetable times_of(flavour about) {
  if (about == flavour::general) return {};
  if (about == flavour::strangers)  // those who serve are vouched for after 75 s
    return {.calm = 4s, .faults = 130s, .recovery = 10s, .proof = 0s};
  return {.calm = 4s, .faults = 26s, .recovery = 10s, .proof = 0s};
}

fault_plan plan_of(flavour about) {
  fault_plan plan;
  using enum incident;
  switch (about) {
    case flavour::general:
      plan.weights = {
          {crash, 2},
          {quick_restart, 2},
          {freeze, 3},
          {cut, 3},
          {isolation, 1},
          {frozen_voter, 1},
          {blind_restart, 0.5},
          {join, 1},
          {removal, 0.7},
          {leave, 0.5},
          {outage, 0.5}};
      break;
    case flavour::freezes:
      plan.weights = {{freeze, 3}, {frozen_voter, 2}, {quick_restart, 1}, {cut, 1}};
      plan.least = 4;
      plan.longest_freeze = 12s;
      plan.fastest = 5ms;
      plan.slowest = 100ms;
      break;
    case flavour::voters:
      plan.weights = {{frozen_voter, 1}};
      plan.least = 3;
      plan.most = 4;
      plan.longest_freeze = 14s;
      break;
    case flavour::severed:
      plan.weights = {{severed_freeze, 1}};
      plan.least = 3;
      plan.most = 5;
      break;
    case flavour::cuts:
      plan.weights = {{cut, 4}, {isolation, 2}, {freeze, 1}};
      plan.least = 6;
      plan.most = 14;
      break;
    case flavour::members:
      plan.weights = {
          {join, 2},
          {removal, 4},
          {leave, 2},
          {quick_restart, 1},
          {cut, 2},
          {freeze, 1},
          {isolation, 1}};
      plan.least = 5;
      plan.most = 12;
      plan.longest_freeze = 8s;
      break;
    case flavour::restarts:
      plan.weights = {{quick_restart, 3}, {blind_restart, 3}, {crash, 1}};
      plan.least = 5;
      plan.most = 10;
      break;
    case flavour::terms:
      plan.weights = {{flap, 1}};
      plan.least = 8;
      plan.most = 12;
      plan.bad_wires = 0;
      plan.fastest = 1ms;
      plan.slowest = 4ms;
      break;
    case flavour::shifts:  // a peek waits for 10 ms: its answer must overtake the record
      plan.weights = {{flap, 1}};
      plan.least = 6;
      plan.most = 10;
      plan.fastest = 300us;
      plan.slowest = 2ms;
      plan.late_messages = 0.3;
      plan.latest = 200ms;
      break;
    case flavour::lags:
      plan.weights = {{freeze, 4}, {isolation, 1}};
      plan.least = 5;
      plan.most = 8;
      plan.shortest_freeze = 3200ms;
      plan.longest_freeze = 7s;
      plan.bad_wires = 0;
      plan.fastest = 60ms;
      plan.slowest = 110ms;
      break;
    case flavour::wires:
      plan.weights = {{cut, 1}};
      plan.least = plan.most = 2;
      plan.bad_wires = 1;
      plan.worst_wires = 4;
      break;
    case flavour::owner:
      plan.weights = {{cut, 1}};
      plan.least = plan.most = 0;
      plan.bad_wires = 0;
      break;
    case flavour::goodbyes:
      plan.weights = {{bereavement, 1}};
      plan.least = plan.most = 2;
      plan.bad_wires = 0.2;
      break;
    case flavour::outages:
      plan.weights = {{outage, 3}, {cut, 1}, {quick_restart, 1}};
      plan.least = 3;
      plan.most = 6;
      break;
    case flavour::growth:
      plan.weights = {{incident::growth, 1}};
      plan.least = plan.most = 1;
      plan.bad_wires = 0.2;
      break;
    case flavour::silences:
      plan.weights = {{freeze, 1}};
      plan.least = 8;
      plan.most = 14;
      plan.shortest_freeze = 300ms;
      plan.longest_freeze = 5s;
      plan.bad_wires = 0;
      plan.slowest = 3ms;
      break;
    case flavour::strangers:  // all of it is in schedule_strangers()
      break;
    case flavour::feeds:
      plan.weights = {{flap, 3}, {freeze, 2}, {cut, 1}, {quick_restart, 1}};
      plan.least = 5;
      plan.most = 9;
      plan.bad_wires = 0.3;
      plan.fastest = 500us;
      plan.slowest = 20ms;
      break;
  }
  return plan;
}

keyspace_options common_options(std::string name) {
  keyspace_options options;
  options.name = std::move(name);
  options.ttl = 8s;
  options.negative_ttl = 2s;
  options.writes = writes::allow;
  options.loads.timeout = 1s;
  return options;
}

std::vector<keyspace_options> keyspaces() {
  keyspace_options users = common_options("users");
  users.near_memory = 1u << 20;
  users.ttl = 20s;
  keyspace_options tiny =
      common_options("tiny");  // too small for its keys: something is always evicted
  tiny.ttl = 30s;
  tiny.max_memory = 64u << 10;
  tiny.near_memory = 64u << 10;
  tiny.max_entry = 16u << 10;
  keyspace_options carts = common_options("carts");
  keyspace_options hints = common_options("lax");
  hints.near_memory = 1u << 20;
  hints.consistency = consistency::available;
  keyspace_options pages = common_options("pages");  // its reads may be hedged
  pages.writes = writes::deny;
  pages.ttl = 4s;
  return {users, tiny, carts, hints, pages};
}

/// The one whose source tells of its changes.
keyspace_options told_keyspace() {
  keyspace_options rows = common_options("rows");
  rows.writes = writes::deny;
  rows.near_memory = 1u << 20;
  rows.ttl = 20s;
  return rows;
}

workload_habits habits_of(const scenario& of) {
  workload_habits habits;
  habits.requests_per_second = of.requests_per_second;
  keyspace_habits users{.weight = 4, .puts = 0.01, .conditional_puts = 0.01, .removals = 0.005};
  keyspace_habits tiny{
      .weight = 2, .puts = 0.01, .conditional_puts = 0.02, .removals = 0.005, .clears = 0.002};
  keyspace_habits carts{
      .weight = 2,
      .silent_writes = 0,
      .invalidations = 0,
      .puts = 0.08,
      .conditional_puts = 0.04,
      .removals = 0.01,
      .clears = 0,
      .owner_reads = 0.02,
      .fresh_reads = 0};
  keyspace_habits lax{.weight = 1, .puts = 0.01};
  keyspace_habits pages{.weight = 2};
  if (of.about != flavour::general) {
    habits.keys = 12;
    for (keyspace_habits* each : {&users, &tiny}) {
      each->invalidations = 0.10;
      each->clears = 0.004;
    }
    if (of.about == flavour::terms) {
      habits.keys = 40;
      habits.fresh_basis = 0.25;
      users = {
          .weight = 9, .invalidations = 0.005, .puts = 0, .conditional_puts = 0.15, .clears = 0};
    }
    if (of.about == flavour::voters ||
        of.about == flavour::severed) {  // what was missed must not be changed once more
      habits.keys = 60;
      users = {.weight = 9, .invalidations = 0.03, .clears = 0};
    }
    if (of.about == flavour::shifts) {
      habits.requests_per_second *= 1.5;
      habits.keys = 80;
      habits.skew = 0.5;
      habits.echoes = 4;
      users = {.weight = 9, .invalidations = 0.08, .clears = 0};
    }
    if (of.about == flavour::lags) {
      habits.requests_per_second *= 1.5;
      users = {.weight = 9, .invalidations = 0.03, .clears = 0};
    }
    if (of.about == flavour::wires) users.puts = 0.10;
    if (of.about == flavour::strangers) {
      habits.requests_per_second *= 0.4;
      habits.keys = 40;
    }
    if (of.about == flavour::owner) {
      habits.keys = 40;
      habits.fresh_basis = 0.1;
      habits.echoes = 3;
      tiny = {.weight = 6, .invalidations = 0.01, .conditional_puts = 0.10, .clears = 0.001};
    }
    lax.weight = 0.2;
    pages.weight = 0;
    if (of.about == flavour::wires || of.about == flavour::cuts)
      pages = {.weight = 4, .invalidations = 0.10};
    if (of.about == flavour::feeds) {
      habits.keys = 40;
      habits.skew = 0.6;
      for (auto* each : {&users, &tiny, &carts}) each->weight = 0.2;
    }
    if (of.about == flavour::silences) {
      habits.keys = 30;
      pages = {.weight = 9, .invalidations = 0.02, .clears = 0};
    }
  }
  habits.keyspaces = {
      {"users", users}, {"tiny", tiny}, {"carts", carts}, {"lax", lax}, {"pages", pages}};
  if (of.about == flavour::feeds)
    habits.keyspaces["rows"] = {
        .weight = 9, .silent_writes = 0.10, .invalidations = 0.01, .clears = 0.0005};
  return habits;
}

}  // namespace

cluster_options cluster_of(const scenario& of) {
  cluster_options options;
  options.seed = of.seed;
  options.nodes = of.nodes != 0 ? of.nodes : 3 + 2 * (of.seed % 3);
  options.engine.rules = of.rules;
  options.clock_stops_in_freeze = of.clock_stops_in_freeze;
  if (of.about == flavour::terms || of.about == flavour::shifts || of.about == flavour::voters ||
      of.about == flavour::lags || of.about == flavour::goodbyes || of.about == flavour::growth ||
      of.about == flavour::feeds)
    options.nodes = 3;
  if (of.about == flavour::shifts) options.engine.ring = {.vnodes = 1, .bounded_load = 1.0};
  options.keyspaces = keyspaces();
  if (of.about == flavour::feeds) {
    options.keyspaces.push_back(told_keyspace());
    options.told_keyspace = options.keyspaces.back().name;
  }
  options.knows_ids = of.seed % 2 == 0;
  if (of.about == flavour::strangers) {
    const growth_plan growth = growth_of(of.seed);
    options.nodes = growth.nodes;
    options.start_nodes = growth.old_nodes;
    options.knows_late_nodes = false;
    options.marks_serving = growth.marks_serving;
    return options;
  }
  const bool has_late_node =
      of.about == flavour::members || (of.about == flavour::general && of.seed % 4 == 0);
  if (has_late_node && options.nodes > 3) {
    options.start_nodes = options.nodes - 1;
    options.knows_late_nodes = false;
  }
  return options;
}

verdict play(const scenario& what, const std::function<void(cluster&)>& inspect) {
  cluster run(cluster_of(what));
  run.source().set_habits(steady_source(what.about));
  workload clients(run, habits_of(what));
  const timetable times = times_of(what.about);
  const instant healed = times.calm + times.faults;
  const instant end = healed + times.recovery + times.proof;

  run.run_for(2s);  // the nodes find each other
  clients.run(end);
  run.world().at(times.calm, [&run, about = what.about] {
    run.source().set_habits(troubled_source(about));
  });
  run.world().at(healed, [&run, about = what.about] {
    run.source().set_habits(steady_source(about));
  });
  fault_plan plan = plan_of(what.about);
  plan.from = times.calm;
  plan.until = healed;
  if (what.about == flavour::strangers) {
    schedule_strangers(run, plan);
  } else {
    schedule_faults(run, plan);
  }
  run.run_for(end + 4s - run.now());  // the last requests end within their time-out

  check_options checks;
  checks.calm_until = times.calm;
  checks.healed_at = healed;
  checks.asks_why = what.about == flavour::general || what.about == flavour::silences;
  checks.only_freezes = what.about == flavour::silences;
  if (times.proof > 0s) checks.recovered_at = healed + times.recovery;
  verdict found = judge(run, checks);
  if (inspect) inspect(run);
  return found;
}

}  // namespace weir::sim
