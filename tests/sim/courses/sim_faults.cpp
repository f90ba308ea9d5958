#include "tests/sim/courses/sim_faults.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

namespace weir::sim {

namespace {

// Evenly over the orders of magnitude: short faults are as common as long ones.
duration time_of(random_stream& random, duration low, duration high) {
  const double ratio = static_cast<double>(high.count()) / static_cast<double>(low.count());
  return duration(static_cast<std::int64_t>(
      static_cast<double>(low.count()) * std::pow(ratio, random.uniform())
  ));
}

/// Makes the incidents of one run happen. Lives in their closures' world: draws everything
/// beforehand, so that what the cluster does changes nothing of the plan.
class schedule {
 public:
  schedule(cluster& on, const fault_plan& plan)
      : on_(on), plan_(plan), random_(on.options().seed, 0xfa17) {}

  void draw() {
    wire_faults wires;
    wires.loss = random_.chance(plan_.bad_wires) ? random_.uniform(0, 0.05 * plan_.worst_wires) : 0;
    wires.duplicate =
        random_.chance(plan_.bad_wires) ? random_.uniform(0, 0.10 * plan_.worst_wires) : 0;
    wires.tail = random_.chance(plan_.bad_wires) ? random_.uniform(0, 0.03 * plan_.worst_wires) : 0;
    wires.tail = std::max(wires.tail, plan_.late_messages);
    wires.tail_max = plan_.latest;
    on_.wires().set_mean_delay(time_of(random_, plan_.fastest, plan_.slowest));
    cluster& on = on_;
    on.world().at(plan_.from, [&on, wires] { on.spoil_wires(wires); });
    const std::size_t count = plan_.least + random_.below(plan_.most - plan_.least + 1);
    for (std::size_t i = 0; i != count; ++i) {
      const incident kind = draw_kind();
      const instant last_start = plan_.from + (plan_.until - plan_.from) * 8 / 10;
      add(kind, random_.between(plan_.from, last_start));
    }
    on.world().at(plan_.until, [&on] { on.heal(); });
  }

 private:
  incident draw_kind() {
    double sum = 0;
    for (const auto& [kind, weight] : plan_.weights) sum += weight;
    double at = random_.uniform(0, sum);
    for (const auto& [kind, weight] : plan_.weights)
      if ((at -= weight) < 0) return kind;
    return incident::crash;
  }

  // Acts on a node that is up and runs when it strikes, the drawn one or one after it.
  template <class Strike>
  void strike(instant when, Strike act) {
    cluster& on = on_;
    const std::size_t drawn = random_.below(on.size());
    auto event = [&on, drawn, act = std::move(act)] {
      for (std::size_t i = 0; i != on.size(); ++i) {
        const std::size_t node = (drawn + i) % on.size();
        if (on.is_up(node) && !on.is_frozen(node)) return act(on, node);
      }
    };
    on.world().at(when, std::move(event));
  }

  void add(incident kind, instant when) {
    switch (kind) {
      case incident::crash:
        return crash(when, time_of(random_, 3s, 12s), 0ns);
      case incident::quick_restart:
        return crash(when, time_of(random_, 1ms, 3s), 0ns);
      case incident::freeze:
        return freeze(when);
      case incident::cut:
        return cut(when);
      case incident::isolation:
        return isolate(when, random_.below(3), time_of(random_, 1s, 12s));
      case incident::frozen_voter:
        return freeze_with_restarts(when);
      case incident::blind_restart:
        return restart_blind(when);
      case incident::join:
        return join(when);
      case incident::removal:
        return remove(when);
      case incident::leave:
        return leave(when);
      case incident::severed_freeze:
        return freeze_behind_cut(when);
      case incident::flap:
        return flap(when);
      case incident::bereavement:
        return bereave(when);
      case incident::outage:
        return lose_majority(when);
      case incident::growth:
        return grow(plan_.from + (when - plan_.from) / 10);
    }
  }

  void crash(instant when, duration down, duration discovery) {
    const auto how = random_.chance(0.5) ? going_down::process : going_down::machine;
    strike(when, [how, down, discovery](cluster& on, std::size_t node) {
      on.kill(node, how);
      on.world().after(down, [&on, node, discovery] { on.restart(node, discovery); });
    });
  }

  void freeze(instant when) {
    const duration time =
        std::min(time_of(random_, plan_.shortest_freeze, plan_.longest_freeze), plan_.until - when);
    strike(when, [time](cluster& on, std::size_t node) { on.freeze(node, time); });
  }

  void lose_majority(instant when) {
    const bool is_freeze = random_.chance(0.5);
    const duration time = std::min(time_of(random_, 1s, 12s), plan_.until - when);
    const std::size_t lost = on_.size() / 2 + 1 + random_.below((on_.size() + 1) / 2 - 1);
    strike(when, [=](cluster& on, std::size_t first) {
      for (std::size_t i = 0; i != lost; ++i) {
        const std::size_t node = (first + i) % on.size();
        if (!is_freeze) {
          restart_after(on, node, time);
        } else if (on.is_up(node) && !on.is_frozen(node)) {
          on.freeze(node, time);
        }
      }
    });
  }

  void cut(instant when) {
    const std::size_t step = 1 + random_.below(on_.size() - 1);
    const bool is_one_way = random_.chance(0.5);
    const duration time = time_of(random_, 300ms, 12s);
    strike(when, [=](cluster& on, std::size_t node) {
      const std::size_t other = (node + step) % on.size();
      on.cut(node, other);
      if (!is_one_way) on.cut(other, node);
      on.world().after(time, [&on, node, other] {
        on.mend(node, other);
        on.mend(other, node);
      });
    });
  }

  static void isolate_now(cluster& on, std::size_t node, std::size_t way, duration time) {
    for (std::size_t other = 0; other != on.size(); ++other) {
      if (other == node) continue;
      if (way != 1) on.cut(node, other);
      if (way != 0) on.cut(other, node);
    }
    on.world().after(time, [&on, node] {
      for (std::size_t other = 0; other != on.size(); ++other) {
        if (other == node) continue;
        on.mend(node, other);
        on.mend(other, node);
      }
    });
  }

  void isolate(instant when, std::size_t way, duration time) {
    strike(when, [way, time](cluster& on, std::size_t node) { isolate_now(on, node, way, time); });
  }

  // Who voted that the frozen node has no lease loses his memory before it thaws.
  void freeze_with_restarts(instant when) {
    const duration time = std::min(time_of(random_, 4s, plan_.longest_freeze), plan_.until - when);
    const duration first = random_.between(500ms, time);
    const duration gap = random_.between(200ms, 4s);
    const duration down = time_of(random_, 100ms, 2s);
    const std::size_t restarts = 1 + random_.below(on_.size() - 1);
    strike(when, [=](cluster& on, std::size_t node) {
      on.freeze(node, time);
      for (std::size_t i = 0; i != restarts; ++i)
        on.world().after(first + static_cast<std::int64_t>(i) * gap, [&on, node, i, down] {
          const std::size_t voter = (node + 1 + i) % on.size();
          if (!on.is_up(voter)) return;
          on.kill(voter, going_down::process);
          on.world().after(down, [&on, voter] { on.restart(voter); });
        });
    });
  }

  // What the other one has ordered meanwhile only those know who hear both.
  void freeze_behind_cut(instant when) {
    const duration time = std::min(time_of(random_, 3500ms, 6s), plan_.until - when);
    const duration longer = time_of(random_, 500ms, 5s);
    const std::size_t step = 1 + random_.below(on_.size() - 1);
    strike(when, [=](cluster& on, std::size_t node) {
      const std::size_t other = (node + step) % on.size();
      on.cut(other, node);
      on.freeze(node, time);
      on.world().after(time + longer, [&on, node, other] { on.mend(other, node); });
    });
  }

  void restart_blind(instant when) {
    const duration down = time_of(random_, 100ms, 2s);
    const duration blind = time_of(random_, 1s, 8s);
    strike(when, [down, blind](cluster& on, std::size_t node) {
      isolate_now(on, node, 2, down + blind);
      on.kill(node, going_down::process);
      on.world().after(down, [&on, node, blind] { on.restart(node, blind); });
    });
  }

  void join(instant when) {
    const auto steps = spread(time_of(random_, 10ms, 6s));
    cluster& on = on_;
    on.world().at(when, [&on, steps] {
      for (std::size_t late = 0; late != on.size(); ++late) {
        if (on.is_known(late)) continue;
        on.begin_change(fault_kind::join, late);
        on.restart(late);
        name_stepwise(on, late, steps);
        on.world().after(8s, [&on, late] { on.end_change(fault_kind::join, late); });
        return;
      }
    });
  }

  void remove(instant when) {
    const auto steps = spread(time_of(random_, 10ms, 6s));
    const auto steps_back = spread(time_of(random_, 10ms, 6s));
    const duration away = time_of(random_, 1s, 20s);
    const double fate = random_.uniform();
    const duration freeze_time = time_of(random_, 1s, 12s);
    const bool stays_linked = fate > 0.25 && fate < 0.35;
    strike(when, [=](cluster& on, std::size_t node) {
      on.begin_change(fault_kind::remove, node);
      const auto is_back = std::make_shared<bool>(false);  // no drop comes after that
      for (std::size_t at = 0; at != on.size(); ++at) {
        if (at == node) continue;
        for (int answer = 0; answer != 3; ++answer)
          on.world().after(steps[at] + answer * 1s, [&on, at, node, stays_linked, is_back] {
            if (*is_back) return;
            // One that is linked stays; one whose link breaks just then may be removed alive.
            stays_linked ? on.drop_candidate(at, node) : on.drop_unlinked(at, node);
          });
      }
      if (fate < 0.3) on.freeze(node, freeze_time);
      if (fate > 0.8) on.kill(node, going_down::process);
      on.world().after(away + 2s, [&on, node, steps_back, is_back] {
        *is_back = true;
        on.restart(node);
        name_stepwise(on, node, steps_back);
        on.end_change(fault_kind::remove, node);
      });
    });
  }

  void leave(instant when) {
    const duration away = time_of(random_, 500ms, 10s);
    strike(when, [away](cluster& on, std::size_t node) { leave_now(on, node, away); });
  }

  void flap(instant when) {
    const duration away = time_of(random_, 500ms, 3s);
    cluster& on = on_;
    const std::size_t node = on.options().seed % on.size();
    on.world().at(when, [&on, node, away] {
      if (on.is_up(node) && !on.is_frozen(node)) leave_now(on, node, away);
    });
  }

  // One is left of three, and the other two, who have forgotten it all, find each other.
  void bereave(instant when) {
    const duration away = random_.between(1500ms, 4s);
    const duration begins = random_.between(1500ms, 3s);
    const duration apart = random_.between(6s, 10s);
    const duration down = time_of(random_, 100ms, 1s);
    strike(when, [=](cluster& on, std::size_t node) {
      const std::size_t leaver = (node + 1) % on.size();
      if (!on.is_up(leaver)) return;
      leave_now(on, leaver, away);
      on.world().after(begins, [=, &on] {
        isolate_now(on, node, 2, apart);
        for (std::size_t other = 0; other != on.size(); ++other)
          if (other != node && other != leaver) restart_after(on, other, down);
      });
    });
  }

  // Two are left of three; one stands still, the other forgets it all and meets the third again.
  void grow(instant when) {
    constexpr duration forgotten = 14s;  // dropped, silent, and one lease
    const duration frozen = random_.between(4s, 7s);
    const duration down = time_of(random_, 100ms, 1s);
    strike(when, [=](cluster& on, std::size_t node) {
      const std::size_t third = (node + 1) % on.size();
      on.begin_change(fault_kind::remove, third);
      for (std::size_t at = 0; at != on.size(); ++at)
        if (at != third) on.drop_candidate(at, third);
      on.kill(third, going_down::process);
      on.world().after(forgotten, [=, &on] {
        on.freeze(node, frozen);
        for (std::size_t other = 0; other != on.size(); ++other) {
          if (other == node) continue;
          if (other != third) on.name_candidate(other, third);
          restart_after(on, other, down);
        }
        on.world().after(frozen + 2s, [=, &on] {
          on.name_candidate(node, third);
          on.end_change(fault_kind::remove, third);
        });
      });
    });
  }

  static void restart_after(cluster& on, std::size_t node, duration down) {
    on.kill(node, going_down::process);
    on.world().after(down, [&on, node] { on.restart(node); });
  }

  static void leave_now(cluster& on, std::size_t node, duration away) {
    on.leave(node);
    on.world().after(1200ms, [&on, node, away] {
      on.kill(node, going_down::process);
      on.world().after(away, [&on, node] {
        on.restart(node);
        on.end_change(fault_kind::leave, node);
      });
    });
  }

  static void name_stepwise(cluster& on, std::size_t who, const std::vector<duration>& steps) {
    for (std::size_t at = 0; at != on.size(); ++at)
      on.world().after(steps[at], [&on, at, who] { on.name_candidate(at, who); });
  }

  // When each node hears of it.
  std::vector<duration> spread(duration longest) {
    std::vector<duration> steps;
    for (std::size_t i = 0; i != on_.size(); ++i) steps.push_back(random_.between(0ns, longest));
    return steps;
  }

  cluster& on_;
  const fault_plan& plan_;
  random_stream random_;
};

}  // namespace

void schedule_faults(cluster& on, const fault_plan& plan) {
  schedule(on, plan).draw();
}

}  // namespace weir::sim
