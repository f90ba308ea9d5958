#include "tests/sim/sim_workload.hpp"

#include <algorithm>
#include <cmath>

namespace weir::sim {

workload::workload(cluster& on, workload_habits habits)
    : on_(on), habits_(habits), random_(on.options().seed, 0x3ead) {
  double sum = 0;
  for (std::size_t i = 0; i != habits_.keys; ++i) {
    sum += 1.0 / std::pow(static_cast<double>(i + 1), habits_.skew);
    popularity_.push_back(sum);
  }
}

void workload::run(instant until) {
  until_ = until;
  arrive();
}

void workload::arrive() {
  const duration gap(static_cast<std::int64_t>(1e9 / habits_.requests_per_second));
  const instant next = on_.now() + random_.exponential(gap, 100 * gap);
  if (next >= until_) return;
  auto send = [this] {
    cluster::request what = draw();
    const std::size_t node = draw_node();
    on_.start(node, std::move(what));
    arrive();
  };
  on_.world().at(next, std::move(send));
}

cluster::request workload::draw() {
  const auto& keyspaces = on_.options().keyspaces;
  cluster::request what;
  what.keyspace = keyspaces[random_.below(keyspaces.size())].name;
  const double at = random_.uniform(0, popularity_.back());
  const auto rank = std::upper_bound(popularity_.begin(), popularity_.end(), at);
  what.key = "k" + std::to_string(rank - popularity_.begin());
  what.timeout = habits_.timeout;
  if (random_.chance(habits_.silent_writes)) on_.source().write(what.keyspace, what.key);
  double share = random_.uniform();
  const auto falls_to = [&](double probability) { return (share -= probability) < 0; };
  if (falls_to(habits_.invalidations)) {
    on_.source().write(what.keyspace, what.key);
    what.kind = request_kind::invalidate;
  } else if (falls_to(habits_.puts)) {
    what.kind = request_kind::put;
  } else if (falls_to(habits_.removals)) {
    what.kind = request_kind::remove;
  } else if (falls_to(habits_.clears)) {
    what.kind = request_kind::clear;
    what.key.clear();
  } else if (falls_to(habits_.fresh_reads)) {
    what.kind = request_kind::fresh_get;
  }
  return what;
}

// Clients leave a dead node for another; only now and then one still tries it.
std::size_t workload::draw_node() {
  const std::size_t node = random_.below(on_.size());
  if (on_.is_up(node) || random_.chance(0.1)) return node;
  return random_.below(on_.size());
}

// ---- faults

namespace {

duration time_of(random_stream& random, duration low, duration high) {
  // Evenly over the orders of magnitude: short faults are as common as long ones.
  const double ratio = static_cast<double>(high.count()) / static_cast<double>(low.count());
  return duration(static_cast<std::int64_t>(
      static_cast<double>(low.count()) * std::pow(ratio, random.uniform())
  ));
}

// A node that is up and runs, `from` or one after it; the dead and frozen cannot fail again.
std::size_t healthy_node(const cluster& on, std::size_t from) {
  for (std::size_t i = 0; i != on.size(); ++i) {
    const std::size_t node = (from + i) % on.size();
    if (on.is_up(node) && !on.is_frozen(node)) return node;
  }
  return from;
}

void schedule_fault(
    cluster& on, random_stream& random, fault_kind kind, instant when, instant until
) {
  const std::size_t some_node = random.below(on.size());
  const std::size_t step = 1 + random.below(on.size() - 1);
  const auto how = random.chance(0.5) ? going_down::process : going_down::machine;
  const bool is_one_way = random.chance(0.5);
  const duration most = until - when;
  const duration crash_time = std::min(time_of(random, 300ms, 12s), most);
  const duration freeze_time = std::min(time_of(random, 500ms, 10s), most);
  const duration cut_time = std::min(time_of(random, 300ms, 10s), most);
  auto strike = [=, &on] {
    const std::size_t node = healthy_node(on, some_node);
    const std::size_t other = (node + step) % on.size();
    if (kind == fault_kind::crash) {
      on.kill(node, how);
      on.world().after(crash_time, [&on, node] { on.restart(node); });
    } else if (kind == fault_kind::freeze) {
      on.freeze(node, freeze_time);
    } else {
      on.cut(node, other);
      if (!is_one_way) on.cut(other, node);
      on.world().after(cut_time, [&on, node, other] {
        on.mend(node, other);
        on.mend(other, node);
      });
    }
  };
  on.world().at(when, std::move(strike));
}

}  // namespace

void schedule_faults(cluster& on, const fault_plan& plan) {
  random_stream random(on.options().seed, 0xfa17);
  wire_faults wires;
  wires.loss = random.chance(0.5) ? random.uniform(0, 0.05) : 0;
  wires.duplicate = random.chance(0.5) ? random.uniform(0, 0.10) : 0;
  wires.tail = random.chance(0.5) ? random.uniform(0, 0.03) : 0;
  on.wires().set_mean_delay(time_of(random, 100us, 10ms));
  on.world().at(plan.from, [&on, wires] { on.spoil_wires(wires); });

  std::vector<fault_kind> kinds{fault_kind::crash, fault_kind::freeze, fault_kind::cut};
  for (std::size_t more = random.below(plan.more_faults + 1); more > 0; --more)
    kinds.push_back(kinds[random.below(3)]);
  for (const fault_kind kind : kinds) {
    const instant last_start = plan.from + (plan.until - plan.from) * 8 / 10;
    schedule_fault(on, random, kind, random.between(plan.from, last_start), plan.until);
  }
  on.world().at(plan.until, [&on] { on.heal(); });
}

}  // namespace weir::sim
