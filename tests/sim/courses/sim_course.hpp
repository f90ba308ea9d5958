#pragma once

#include "tests/sim/courses/sim_membership.hpp"
#include "tests/sim/courses/sim_workload.hpp"
#include "tests/sim/world/sim_cluster.hpp"
#include "tests/sim/world/sim_random.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace weir::sim {

using node_list = std::vector<std::size_t>;

inline constexpr duration look_every = 20ms;

inline node_list nodes_from(std::size_t first, std::size_t count) {
  node_list out(count);
  std::iota(out.begin(), out.end(), first);
  return out;
}

inline std::string seconds(duration time) {
  return std::to_string(static_cast<double>(time.count()) / 1e9) + " s";
}

/// One cluster under a script, and what was found wrong with it.
class course {
 public:
  explicit course(cluster_options options)
      : random(options.seed, 0x3e3b), run(with_keyspace(std::move(options))) {}

  /// Reads and changes that must keep every promise from now on.
  void load_until(instant until) {
    workload_habits habits;
    habits.requests_per_second = 60;
    clients_ = std::make_unique<workload>(run, habits);
    clients_->run(until);
  }

  bool agree(const node_list& who) {
    std::uint64_t common = 0;
    for (const std::size_t node : who) {
      if (!run.is_up(node)) return false;
      const std::uint64_t digest = run.at(node).view_digest();
      if (common == 0) common = digest;
      if (digest != common) return false;
    }
    return true;
  }

  /// All of `who` have a ring of exactly these.
  bool is_ring_of(const node_list& who, const node_list& members) {
    return agree(who) && std::all_of(who.begin(), who.end(), [&](std::size_t node) {
             const auto all = run.at(node).members();
             const auto in_ring =
                 std::count_if(all.begin(), all.end(), [](const auto& m) { return m.is_in_ring; });
             return static_cast<std::size_t>(in_ring) == members.size() &&
                    std::all_of(members.begin(), members.end(), [&](std::size_t member) {
                      return sees(node, cluster::id_of(member));
                    });
           });
  }

  bool sees(std::size_t node, const std::string& id) {
    const auto all = run.at(node).members();
    return std::any_of(all.begin(), all.end(), [&](const auto& m) {
      return m.id == id && m.is_in_ring;
    });
  }

  /// The trouble ended just now: these must have one ring of all of them within 3 s, and keep it.
  void expect_one_ring(const node_list& who) { expect_one_ring(who, who); }

  void expect_one_ring(const node_list& who, const node_list& members) {
    const instant from = run.now();
    instant last_difference = from;
    for (instant until = from + 12s; run.now() < until && !run.is_broken();) {
      if (!is_ring_of(who, members)) last_difference = run.now();
      run.run_for(look_every);
    }
    const duration took = last_difference - from;
    found.agreed_after = std::max(found.agreed_after, took);
    if (took > views_agree_within) blame("one ring only after " + seconds(took));
  }

  void expect_leases(const node_list& who, duration within) {
    const auto have = [&] {
      return std::all_of(who.begin(), who.end(), [&](std::size_t node) {
        return run.at(node).lease().is_valid;
      });
    };
    if (run.run_until(have, within)) return;
    for (const std::size_t node : who)
      if (const lease_status lease = run.at(node).lease(); !lease.is_valid)
        blame(cluster::id_of(node) + " after " + seconds(within) + ": " + lease.why);
  }

  /// For `time` from now on, `holds` is looked at again and again.
  void expect_always(duration time, const std::string& what, const std::function<bool()>& holds) {
    for (const instant until = run.now() + time; run.now() < until && !run.is_broken();) {
      if (!holds()) return blame(what + " did not hold at " + seconds(run.now()));
      run.run_for(look_every);
    }
  }

  void expect(bool holds, const std::string& what) {
    if (!holds) blame(what);
  }

  membership_finding end() {
    run.run_for(4s);
    if (run.is_broken()) found.wrong.push_back(run.past().violations[0]);
    return std::move(found);
  }

  void blame(std::string what) { found.wrong.push_back(std::move(what)); }

  random_stream random;
  cluster run;
  membership_finding found;

 private:
  static cluster_options with_keyspace(cluster_options options) {
    keyspace_options users;
    users.name = "users";
    users.ttl = 20s;
    users.near_memory = 1u << 20;
    users.writes = writes::allow;
    options.keyspaces = {users};
    return options;
  }

  std::unique_ptr<workload> clients_;
};

inline cluster_options sized(
    std::uint64_t seed, std::size_t nodes, std::size_t started = SIZE_MAX
) {
  cluster_options options;
  options.seed = seed;
  options.nodes = nodes;
  options.start_nodes = started;
  options.knows_ids = seed % 2 == 0;
  return options;
}

}  // namespace weir::sim
