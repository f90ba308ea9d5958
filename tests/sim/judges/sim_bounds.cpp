#include "tests/sim/judges/sim_bounds.hpp"

#include "tests/sim/world/sim_cluster.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>

namespace weir::sim {

namespace {

constexpr std::size_t changes = 400;
constexpr duration between = 5ms;
constexpr milliseconds change_timeout{2'000};
constexpr duration all_have_ended = 5s;  // from the last change on
constexpr duration afterwards = 5s;

/// What the changes of one phase cost, each, beside what the same cluster does without them.
struct change_cost {
  double timers = 0;    ///< set on all nodes
  double votes = 0;     ///< requests to vote, sent
  double messages = 0;  ///< of any kind, in both directions
  double bytes = 0;     ///< of records, hints and waiting changes on all nodes, at their most
  double left = 0;  ///< timers and messages a second once every change has ended, not per change

  void raise_to(const change_cost& other) noexcept {
    timers = std::max(timers, other.timers);
    votes = std::max(votes, other.votes);
    messages = std::max(messages, other.messages);
    bytes = std::max(bytes, other.bytes);
    left = std::max(left, other.left);
  }
};

/// A state of the cluster in which changes are made, and what one may cost there.
struct cost_phase {
  std::string_view name;
  change_cost most;
  change_cost (*measure)(std::uint64_t seed);
};

using trouble = void (*)(cluster&);

/// What the nodes of a cluster have done so far.
struct tally {
  std::uint64_t timers = 0;
  std::uint64_t votes = 0;
  std::uint64_t messages = 0;

  explicit tally(cluster& of) {
    for (std::size_t node = 0; node != of.size(); ++node)
      if (of.is_up(node)) timers += of.environment(node).timers_set();
    votes = of.wires().counts().votes;
    messages = of.wires().counts().messages;
  }
};

std::uint64_t bytes_kept(cluster& of) {
  std::uint64_t sum = 0;
  for (std::size_t node = 0; node != of.size(); ++node) {
    if (!of.is_up(node)) continue;
    const change_stats stats = of.at(node).changes();
    sum += stats.journal_bytes + stats.waiting_bytes + stats.hint_bytes;
  }
  return sum;
}

enum class with { changes, nothing };

/// The sums of one run; those of a run without changes are taken off later.
change_cost run_once(std::uint64_t seed, trouble begin, with what) {
  cluster_options options;
  options.seed = seed;
  options.nodes = 3 + 2 * (seed % 3);
  cluster run(std::move(options));
  run.run_for(5s);
  begin(run);
  const tally before(run);
  change_cost out;
  for (std::size_t i = 0; i != changes; ++i) {
    if (what == with::changes) {
      run.start(
          0,
          {.kind = request_kind::invalidate,
           .key = "k" + std::to_string(i),
           .timeout = change_timeout}
      );
    }
    run.run_for(between);
    if (i % 20 == 19) out.bytes = std::max(out.bytes, static_cast<double>(bytes_kept(run)));
  }
  run.run_for(all_have_ended);
  const tally ended(run);
  run.run_for(afterwards);
  const tally last(run);
  out.timers = static_cast<double>(ended.timers - before.timers);
  out.votes = static_cast<double>(ended.votes - before.votes);
  out.messages = static_cast<double>(ended.messages - before.messages);
  out.left = static_cast<double>(last.timers + last.messages - ended.timers - ended.messages);
  return out;
}

change_cost measure(std::uint64_t seed, trouble begin) {
  const change_cost all = run_once(seed, begin, with::changes);
  const change_cost idle = run_once(seed, begin, with::nothing);
  const auto each = [](double sum, double without) {
    return std::max(0.0, (sum - without) / static_cast<double>(changes));
  };
  const double seconds = std::chrono::duration<double>(afterwards).count();
  return {
      .timers = each(all.timers, idle.timers),
      .votes = each(all.votes, idle.votes),
      .messages = each(all.messages, idle.messages),
      .bytes = each(all.bytes, idle.bytes),
      .left = std::max(0.0, (all.left - idle.left) / seconds),
  };
}

void kill_majority(cluster& of) {
  for (std::size_t node = 1; node <= of.size() / 2 + 1 && node != of.size(); ++node)
    of.kill(node, node % 2 == 0 ? going_down::machine : going_down::process);
}

change_cost in_calm(std::uint64_t seed) {
  return measure(seed, [](cluster&) {});
}

change_cost one_just_killed(std::uint64_t seed) {
  return measure(seed, [](cluster& of) { of.kill(1, going_down::machine); });
}

change_cost one_long_dead(std::uint64_t seed) {
  return measure(seed, [](cluster& of) {
    of.kill(1);
    of.run_for(6s);
  });
}

change_cost one_frozen(std::uint64_t seed) {
  return measure(seed, [](cluster& of) { of.freeze(1); });
}

change_cost one_link_cut(std::uint64_t seed) {
  return measure(seed, [](cluster& of) { of.cut(0, 1); });
}

change_cost majority_just_killed(std::uint64_t seed) {
  return measure(seed, kill_majority);
}

change_cost majority_long_dead(std::uint64_t seed) {
  return measure(seed, [](cluster& of) {
    kill_majority(of);
    of.run_for(6s);
  });
}

change_cost majority_frozen(std::uint64_t seed) {
  return measure(seed, [](cluster& of) {
    for (std::size_t node = 1; node <= of.size() / 2 + 1 && node != of.size(); ++node)
      of.freeze(node);
  });
}

change_cost after_recovery(std::uint64_t seed) {
  return measure(seed, [](cluster& of) {
    of.freeze(1);
    for (int i = 0; i != 50; ++i) {
      of.start(0, {.kind = request_kind::invalidate, .key = "m" + std::to_string(i)});
      of.run_for(20ms);
    }
    of.heal();
    of.run_for(5s);
  });
}

constexpr double most_left =
    40;  // seven nodes' heartbeats of one run and another differ by half of it

// Timers, votes, messages, bytes: a third above the worst of 200 seeds of 3, 5 and 7 nodes.
constexpr std::array table{
    cost_phase{"calm", {5, 0.01, 20, 64, most_left}, in_calm},
    cost_phase{"one killed just now", {5, 3, 25, 6000, most_left}, one_just_killed},
    cost_phase{"one dead for 6 s", {5, 8, 35, 4000, most_left}, one_long_dead},
    cost_phase{"one frozen just now", {5, 3, 25, 6000, most_left}, one_frozen},
    cost_phase{"one link cut, one way", {5, 4, 32, 2000, most_left}, one_link_cut},
    cost_phase{"majority killed just now", {5, 3, 20, 8192, most_left}, majority_just_killed},
    cost_phase{"majority dead for 6 s", {5, 4, 20, 8192, most_left}, majority_long_dead},
    cost_phase{"majority frozen just now", {5, 3, 20, 8192, most_left}, majority_frozen},
    cost_phase{"all well again", {5, 0.01, 20, 64, most_left}, after_recovery},
};

bool is_over(double measured, double most, std::string_view what, std::string_view phase) {
  if (measured <= most) return false;
  std::printf(
      "OVER: %.*s: %.1f %.*s, at most %.1f\n",
      static_cast<int>(phase.size()),
      phase.data(),
      measured,
      static_cast<int>(what.size()),
      what.data(),
      most
  );
  return true;
}

}  // namespace

bool keeps_bounds(std::uint64_t first, std::uint64_t seeds) {
  std::printf(
      "%-26s %8s %8s %8s %8s %8s\n",
      "per change, the worst",
      "timers",
      "votes",
      "messages",
      "bytes",
      "left/s"
  );
  bool is_kept = true;
  for (const cost_phase& phase : table) {
    change_cost worst;
    for (std::uint64_t seed = first; seed != first + seeds; ++seed)
      worst.raise_to(phase.measure(seed));
    std::printf(
        "%-26s %8.2f %8.2f %8.2f %8.0f %8.2f\n",
        std::string(phase.name).c_str(),
        worst.timers,
        worst.votes,
        worst.messages,
        worst.bytes,
        worst.left
    );
    std::fflush(stdout);
    const change_cost& most = phase.most;
    is_kept &= !is_over(worst.timers, most.timers, "timers a change", phase.name);
    is_kept &= !is_over(worst.votes, most.votes, "votes a change", phase.name);
    is_kept &= !is_over(worst.messages, most.messages, "messages a change", phase.name);
    is_kept &= !is_over(worst.bytes, most.bytes, "bytes a change", phase.name);
    is_kept &=
        !is_over(worst.left, most.left, "timers and messages a second left behind", phase.name);
  }
  return is_kept;
}

}  // namespace weir::sim
