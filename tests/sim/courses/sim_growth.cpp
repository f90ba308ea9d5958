#include "tests/sim/courses/sim_growth.hpp"

#include "tests/sim/courses/sim_course.hpp"
#include "tests/sim/judges/sim_checker.hpp"

#include <algorithm>
#include <set>

namespace weir::sim {

namespace {

constexpr duration cut_for = 100s;

cluster_options options_of(naming kind, std::size_t from, std::size_t to, std::uint64_t seed) {
  cluster_options options = sized(seed, to, from);
  options.knows_late_nodes = false;
  options.knows_ids = kind == naming::plain && seed % 2 == 0;
  options.marks_serving = kind != naming::plain;
  return options;
}

// Discovery answers later. One that tells only who has started has heard of it by that.
void start(cluster& run, naming kind, std::size_t node) {
  if (kind == naming::present) run.mark(node, true);
  run.restart(node, 5min);
}

/// A ring that is to grow, looked at all the time.
class growing {
 public:
  growing(const growth_script& script, std::uint64_t seed)
      : script_(script),
        of_(options_of(script.kind, script.from, script.to, seed)),
        old_(nodes_from(0, script.from)),
        new_(nodes_from(script.from, script.to - script.from)),
        all_(nodes_from(0, script.to)) {}

  growth_result play() {
    watch(10s);
    is_measured_ = true;
    for (const std::size_t node : new_) of_.run.begin_change(fault_kind::join, node);
    if (script_.kind != naming::present) tell(old_);
    watch(script_.silent);
    is_measured_ &= !script_.is_cut;
    if (script_.is_cut) cut();
    for (const std::size_t node : new_) start(of_.run, script_.kind, node);
    if (script_.kind == naming::present) tell(old_);
    if (script_.kind == naming::present) watch(script_.late + 500ms);
    tell(new_);
    watch(script_.is_cut ? cut_for : script_.late + 5s);
    if (script_.is_cut) mend();
    is_measured_ = false;
    of_.run.run_for(1s);
    of_.expect_one_ring(all_);
    of_.expect_leases(all_, 4s);
    return end();
  }

 private:
  void tell(const node_list& whom) {
    const duration most = script_.kind == naming::present ? 1ms : script_.late;  // it is broadcast
    for (const std::size_t node : whom)
      of_.run.world().after(of_.random.between(0ns, most), [this, node] {
        of_.run.set_candidates(node, all_);
      });
  }

  void cut() {
    for (const std::size_t a : old_)
      for (const std::size_t b : new_) of_.run.cut_both(a, b);
    is_cut_ = true;
    for (const std::size_t node : old_) {
      if (script_.loses_discovery) {
        of_.run.lose_discovery(node);
        of_.run.world().after(50s, [this, node] { of_.run.note_lost_discovery(node); });
      }
      if (script_.ceases_to_serve) of_.run.mark(node, false);
    }
  }

  void mend() {
    is_cut_ = false;
    for (const std::size_t a : old_)
      for (const std::size_t b : new_) {
        of_.run.mend(a, b);
        of_.run.mend(b, a);
      }
    for (const std::size_t node : old_) {
      of_.run.regain_discovery(node);
      of_.run.mark(node, true);
    }
  }

  // Reads of the old nodes, and changes at all that run.
  void ask() {
    const std::string key = "k" + std::to_string(of_.random.below(30));
    const std::size_t node = of_.random.below(old_.size());
    asked_.push_back(of_.run.start(node, {.key = key}));
    if (!is_measured_) asked_.pop_back();
    const std::size_t changer = of_.random.below(all_.size());
    if (!of_.random.chance(0.05) || !of_.run.is_up(changer)) return;
    of_.run.start(changer, {.kind = request_kind::invalidate, .key = key});
  }

  void watch(duration time) {
    for (const instant until = of_.run.now() + time;
         of_.run.now() < until && !of_.run.is_broken();) {
      ask();
      of_.run.run_for(look_every);
      const auto has_lease = [&](std::size_t node) { return of_.run.has_lease(node); };
      const bool has_old = std::any_of(old_.begin(), old_.end(), has_lease);
      const bool has_new = std::any_of(new_.begin(), new_.end(), has_lease);
      result_.second_clusters += is_cut_ && has_old && has_new ? 1 : 0;
      if (!is_measured_) continue;
      for (const std::size_t node : old_)
        if (!has_lease(node)) lost_.insert(node);
    }
  }

  growth_result end() {
    share cached;
    for (const std::uint64_t number : asked_)
      cached.count(of_.run.outcome(number).was_answered_from_cache());
    result_.cached = cached.value();
    result_.leases_lost = lost_.size();
    of_.expect(result_.second_clusters == 0, "two clusters had leases");
    result_.found = of_.end();
    return std::move(result_);
  }

  const growth_script script_;
  course of_;
  const node_list old_;
  const node_list new_;
  const node_list all_;
  growth_result result_;
  std::set<std::size_t> lost_;
  std::vector<std::uint64_t> asked_;
  bool is_cut_ = false;
  bool is_measured_ = false;
};

/// One to four nodes become two to five times as many, nine at most.
growth_script script_of(std::uint64_t seed) {
  random_stream random(seed, 0x9203);
  growth_script out;
  out.kind = namings[seed % namings.size()];
  out.from = 1 + random.below(4);
  out.to = std::min<std::size_t>(9, out.from * (2 + random.below(4)));
  out.silent = random.between(1s, 150s);
  return out;
}

membership_finding played(const growth_script& script, std::uint64_t seed) {
  growth_result result = play_growth(script, seed);
  const bool is_promised = script.kind == naming::marked || script.to <= 2 * script.from;
  if (is_promised && result.leases_lost != 0)
    result.found.wrong.push_back(
        std::to_string(result.leases_lost) + " leases lost, " + std::to_string(script.from) +
        " to " + std::to_string(script.to) + ' ' + std::string(name(script.kind))
    );
  return std::move(result.found);
}

}  // namespace

std::string_view name(naming of) noexcept {
  switch (of) {
    case naming::marked:
      return "kubernetes";
    case naming::plain:
      return "static, dns";
    case naming::present:
      return "nats";
  }
  return "?";
}

growth_result play_growth(const growth_script& script, std::uint64_t seed) {
  return growing(script, seed).play();
}

std::optional<duration> play_cold_start(
    naming kind, std::size_t nodes, std::size_t dead, std::uint64_t seed
) {
  cluster_options options = options_of(kind, 0, nodes, seed);
  options.knows_late_nodes = true;
  course of(std::move(options));
  const node_list started = nodes_from(0, nodes - dead);
  const bool is_present = kind == naming::present;  // the dead one is not named
  for (const std::size_t node : started) {
    start(of.run, kind, node);
    of.run.set_candidates(node, is_present ? started : nodes_from(0, nodes));
  }
  const auto have_leases = [&] {
    return std::all_of(started.begin(), started.end(), [&](std::size_t node) {
      return of.run.has_lease(node);
    });
  };
  const instant begun = of.run.now();
  if (!of.run.run_until(have_leases, 5min)) return std::nullopt;
  return of.run.now() - begun;
}

membership_finding silent_newcomers(std::uint64_t seed) {
  return played(script_of(seed), seed);
}

membership_finding newcomers_behind_a_cut(std::uint64_t seed) {
  growth_script script = script_of(seed);
  script.is_cut = true;
  return played(script, seed);
}

membership_finding late_discovery(std::uint64_t seed) {
  growth_script script = script_of(seed);
  script.late = 5s;
  script.silent += 5s;
  return played(script, seed);
}

membership_finding newcomers_serve_unheard(std::uint64_t seed) {
  growth_script script = script_of(seed);
  script.kind = naming::marked;
  script.is_cut = true;
  script.loses_discovery = true;
  return played(script, seed);
}

membership_finding old_nodes_cease_to_serve(std::uint64_t seed) {
  growth_script script = script_of(seed);
  script.kind = naming::marked;
  script.is_cut = true;
  script.ceases_to_serve = true;
  script.loses_discovery = seed % 2 == 0;
  return played(script, seed);
}

membership_finding start_with_one_dead(std::uint64_t seed) {
  membership_finding out;
  const naming kind = namings[seed % namings.size()];
  const std::size_t nodes = 3 + seed % 5;
  const auto took = play_cold_start(kind, nodes, 1, seed);
  const duration most = kind == naming::marked ? 80s : 1s;
  if (!took || *took > most)
    out.wrong.push_back(
        std::to_string(nodes) + ' ' + std::string(name(kind)) + ": " +
        (took ? "leases after " + seconds(*took) : "no lease")
    );
  return out;
}

}  // namespace weir::sim
