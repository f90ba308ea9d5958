#include "tests/sim/courses/sim_strangers.hpp"

#include "tests/sim/world/sim_random.hpp"

#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

namespace weir::sim {

namespace {

/// On which side of the cut each node is. Nodes of different sides do not reach each other.
class two_sides {
 public:
  two_sides(cluster& on, std::size_t old_nodes) : on_(on), is_new_(on.size()) {
    for (std::size_t node = old_nodes; node != on.size(); ++node) is_new_[node] = true;
  }

  void cut() {
    is_cut_ = true;
    apply();
  }

  void move(std::size_t node) {
    is_new_[node] = !is_new_[node];
    if (is_cut_) apply();
  }

  void mend() {
    is_cut_ = false;
    apply();
  }

 private:
  void apply() {
    for (std::size_t from = 0; from != on_.size(); ++from) {
      for (std::size_t to = 0; to != on_.size(); ++to) {
        if (from == to) continue;
        if (is_cut_ && is_new_[from] != is_new_[to]) {
          on_.cut(from, to);
        } else {
          on_.mend(from, to);
        }
      }
    }
  }

  cluster& on_;
  std::vector<bool> is_new_;
  bool is_cut_ = false;
};

class strangers {
 public:
  strangers(cluster& on, const fault_plan& plan)
      : on_(on),
        plan_(plan),
        random_(on.options().seed, 0x57a7),
        old_(growth_of(on.options().seed).old_nodes),
        sides_(std::make_shared<two_sides>(on, old_)) {}

  void draw() {
    const instant named = plan_.from + random_.between(0ns, 1s);
    const instant cut = named + random_.between(250ms, 300ms);
    name_newcomers(named);
    on_.world().at(cut, [sides = sides_] { sides->cut(); });
    for (std::size_t node = old_; node != on_.size(); ++node)
      start(node, cut + random_.between(1ms, 15s));
    if (on_.options().marks_serving) {
      if (random_.chance(0.5)) lose_discovery(cut);
      if (random_.chance(0.5)) unmark_old(cut + random_.between(0ns, 20s));
    }
    for (std::size_t node = 0; node != old_; ++node)
      if (random_.chance(0.5)) restart_old(node, cut);
    if (random_.chance(0.3)) restart(old_ + random_.below(on_.size() - old_), any_time());
    if (random_.chance(0.3)) {
      const std::size_t node = random_.below(on_.size());
      const duration time = random_.between(500ms, 6s);
      on_.world().at(any_time(), [&on = on_, node, time] { on.freeze(node, time); });
    }
    const instant mended = random_.chance(0.5) ? cut + random_.between(16s, 30s) : any_time();
    if (random_.chance(0.5)) on_.world().at(mended, [sides = sides_] { sides->mend(); });
    on_.world().at(plan_.until, [&on = on_, sides = sides_] {
      sides->mend();
      on.heal();
    });
  }

 private:
  instant any_time() { return random_.between(plan_.from + 8s, plan_.until - 5s); }

  // Running nodes hear of it before any newcomer starts.
  void name_newcomers(instant when) {
    std::vector<std::size_t> all(on_.size());
    std::iota(all.begin(), all.end(), 0);
    for (std::size_t node = 0; node != old_; ++node)
      on_.world().at(when + random_.between(0ns, 200ms), [&on = on_, node, all] {
        on.set_candidates(node, all);
      });
    on_.world().at(when, [&on = on_, old = old_] {
      for (std::size_t node = old; node != on.size(); ++node)
        on.begin_change(fault_kind::join, node);
    });
    everybody_ = std::move(all);
  }

  void start(std::size_t node, instant when) {
    on_.world().at(when, [&on = on_, node, all = everybody_] {
      on.restart(node);
      on.set_candidates(node, all);
    });
  }

  // They notice that only after a while.
  void lose_discovery(instant when) {
    const instant back = random_.between(when + 50s, plan_.until + 20s);
    for (std::size_t node = 0; node != old_; ++node) {
      const instant noticed = when + random_.between(20s, 60s);
      on_.world().at(when, [&on = on_, node] { on.lose_discovery(node); });
      on_.world().at(noticed, [&on = on_, node] { on.note_lost_discovery(node); });
      if (back < plan_.until)
        on_.world().at(back, [&on = on_, node] { on.regain_discovery(node); });
    }
  }

  void unmark_old(instant when) {
    const duration time = random_.between(5s, 90s);
    on_.world().at(when, [&on = on_, time, old = old_] {
      for (std::size_t node = 0; node != old; ++node) on.mark(node, false);
      on.world().after(time, [&on, old] {
        for (std::size_t node = 0; node != old; ++node)
          if (on.is_up(node)) on.mark(node, true);
      });
    });
  }

  void restart(std::size_t node, instant when) {
    const duration down = random_.between(100ms, 2s);
    on_.world().at(when, [&on = on_, node, down] {
      on.kill(node, going_down::process);
      on.world().after(down, [&on, node] { on.restart(node); });
    });
  }

  // It starts anew on the other side of the cut, once or there and back.
  void restart_old(std::size_t node, instant cut) {
    const bool is_moved = random_.chance(0.7);
    const instant there = random_.between(cut + 5s, plan_.until - 30s);
    const auto move = [&](instant when) {
      if (is_moved)
        on_.world().at(when, [&on = on_, sides = sides_, node] {
          sides->move(node);
          on.regain_discovery(node);
        });
      restart(node, when);
    };
    move(there);
    if (random_.chance(0.6)) move(there + random_.between(3s, 20s));
  }

  cluster& on_;
  const fault_plan& plan_;
  random_stream random_;
  const std::size_t old_;
  const std::shared_ptr<two_sides> sides_;
  std::vector<std::size_t> everybody_;
};

}  // namespace

growth_plan growth_of(std::uint64_t seed) {
  constexpr std::size_t most = 9;
  random_stream random(seed, 0x57a6);
  growth_plan out;
  out.old_nodes = 1 + random.below(4);
  out.nodes = std::min(most, out.old_nodes * (2 + random.below(4)));
  out.marks_serving = random.chance(0.5);
  return out;
}

void schedule_strangers(cluster& on, const fault_plan& plan) {
  strangers(on, plan).draw();
}

}  // namespace weir::sim
