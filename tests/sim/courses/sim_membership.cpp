#include "tests/sim/courses/sim_membership.hpp"

#include "tests/sim/courses/sim_course.hpp"
#include "tests/sim/courses/sim_growth.hpp"

#include <algorithm>
#include <array>

namespace weir::sim {

namespace {

// ---- beginnings

membership_finding from_none_to_three(std::uint64_t seed) {
  course of(sized(seed, 3, 0));
  of.run.run_for(1s);
  for (const std::size_t node : nodes_from(0, 3)) of.run.start(node);
  of.load_until(of.run.now() + 12s);
  of.expect_one_ring(nodes_from(0, 3));
  of.expect_leases(nodes_from(0, 3), 1s);
  return of.end();
}

// Discovery names who has registered so far, and is polled once a second.
membership_finding all_start_at_once(std::uint64_t seed) {
  const std::size_t size = 3 + 2 * (seed % 3);
  course of(sized(seed, size, 0));
  for (std::size_t node = 0; node != size; ++node) {
    const duration start = of.random.between(0ns, 100ms);
    of.run.world().after(start, [&of, node] {
      of.run.restart(node, of.random.between(0ns, 200ms));
      of.run.set_candidates(node, nodes_from(0, node + 1));
    });
    of.run.world().after(start + of.random.between(200ms, 1200ms), [&of, node, size] {
      of.run.set_candidates(node, nodes_from(0, size));
    });
  }
  of.run.run_for(1300ms);
  of.expect_one_ring(nodes_from(0, size));
  of.expect_leases(nodes_from(0, size), 1s);
  return of.end();
}

// Both were told of themselves only; then one node of each half hears of one of the other.
membership_finding two_halves_meet(std::uint64_t seed) {
  const std::size_t first = 2 + seed % 2;
  const std::size_t size = 5;
  course of(sized(seed, size, 0));
  for (std::size_t node = 0; node != size; ++node) {
    const bool is_first = node < first;
    of.run.set_candidates(node, is_first ? nodes_from(0, first) : nodes_from(first, size - first));
    of.run.start(node);
  }
  of.expect_one_ring(nodes_from(0, first));
  of.expect(
      of.is_ring_of(nodes_from(first, size - first), nodes_from(first, size - first)),
      "the second half did not find itself"
  );
  of.found.agreed_after = 0ns;
  if (seed % 4 < 2) {
    of.run.name_candidate(0, size - 1);
  } else {
    for (std::size_t node = 0; node != size; ++node)
      of.run.set_candidates(node, nodes_from(0, size));
  }
  of.expect_one_ring(nodes_from(0, size));
  of.expect_leases(nodes_from(0, size), 4s);
  of.load_until(of.run.now() + 8s);
  of.run.run_for(8s);
  return of.end();
}

// ---- mistaken identities

membership_finding restart_at_the_same_address(std::uint64_t seed) {
  course of(sized(seed, 3 + 2 * (seed % 3)));
  const node_list all = nodes_from(0, of.run.size());
  of.load_until(60s);
  of.run.run_for(4s);
  for (int i = 0; i != 3; ++i) {
    const std::size_t node = of.random.below(of.run.size());
    of.run.kill(node, of.random.chance(0.5) ? going_down::process : going_down::machine);
    of.run.run_for(of.random.between(1ms, 4s));
    of.run.restart(node);
    of.expect_one_ring(all);
    of.expect_leases(all, 1s);
  }
  return of.end();
}

// A fourth process says that it is n1, too.
membership_finding duplicate_ids(std::uint64_t seed) {
  cluster_options options = sized(seed, 4, 3);
  options.knows_late_nodes = false;
  options.knows_ids = false;
  options.but_identity = [](std::size_t node, identity& self) {
    if (node == 3) self.id = "n1";
  };
  course of(std::move(options));
  const node_list rest{0, 2};
  of.run.run_for(4s);
  of.run.start(3);
  for (std::size_t node = 0; node != 3; ++node) of.run.name_candidate(node, 3);
  of.run.run_for(views_agree_within);
  std::uint64_t changes = 0;
  std::uint64_t before = of.run.at(0).view_digest();
  for (int i = 0; i != 500; ++i) {
    of.run.run_for(look_every);
    const std::uint64_t now = of.run.at(0).view_digest();
    changes += std::exchange(before, now) != now ? 1 : 0;
  }
  // One when the newcomer is met, one when it takes its slots.
  of.expect(changes <= 2, "the view of n0 changed " + std::to_string(changes) + " times in 10 s");
  of.expect(of.agree(rest), "n0 and n2 differ about who n1 is");
  of.expect_leases(rest, 100ms);
  const std::size_t goes = seed % 2 == 0 ? 3 : 1;  // the other one may stay
  const node_list stay = goes == 3 ? node_list{0, 1, 2} : node_list{0, 2, 3};
  of.run.kill(goes);
  for (const std::size_t node : stay) of.run.set_candidates(node, stay);
  of.expect_one_ring(stay, nodes_from(0, 3));
  of.expect_leases(stay, 5s);
  return of.end();
}

// A node of another cluster gets the address of one that went.
membership_finding foreign_cluster(std::uint64_t seed) {
  cluster_options options = sized(seed, 4, 3);
  options.knows_late_nodes = false;
  options.knows_ids = false;
  options.but_identity = [](std::size_t node, identity& self) {
    if (node == 3) self = {"other", "x1", self.incarnation, 1, cluster::address_of(2)};
  };
  course of(std::move(options));
  const node_list rest{0, 1};
  of.load_until(30s);
  of.run.run_for(4s);
  of.run.kill(2);
  of.run.run_for(of.random.between(10ms, 3s));
  of.run.start(3);
  of.run.set_candidates(3, nodes_from(0, 2));
  of.expect_always(10s, "nobody takes the stranger in", [&] {
    return !of.sees(0, "x1") && !of.sees(1, "x1") && !of.sees(3, "n0") && !of.sees(3, "n1");
  });
  of.expect(of.agree(rest), "n0 and n1 differ");
  of.expect_leases(rest, 100ms);
  of.run.kill(3);
  of.run.restart(2);
  of.expect_one_ring(nodes_from(0, 3));
  of.expect_leases(nodes_from(0, 3), 1s);
  return of.end();
}

// ---- discovery

membership_finding silent_discovery(std::uint64_t seed) {
  course of(sized(seed, 3, 0));
  for (const std::size_t node : nodes_from(0, 3)) of.run.restart(node, 10s);
  of.load_until(24s);
  of.expect_always(9s, "no lease before discovery has answered", [&] {
    return !of.run.at(0).lease().is_valid && !of.run.at(1).lease().is_valid &&
           !of.run.at(2).lease().is_valid;
  });
  of.run.run_for(10s - of.run.now());
  of.expect_one_ring(nodes_from(0, 3));
  of.expect_leases(nodes_from(0, 3), 1s);
  return of.end();
}

// What would leave a running node alone does not reach the engine: cluster::tell() keeps to what
// node::impl::take_candidates() does.
membership_finding empty_discovery(std::uint64_t seed) {
  course of(sized(seed, 3 + 2 * (seed % 3)));
  const node_list all = nodes_from(0, of.run.size());
  of.load_until(40s);
  of.run.run_for(4s);
  const std::size_t told = 1 + of.random.below(all.size());
  for (std::size_t node = 0; node != told; ++node) of.run.set_candidates(node, {});
  of.expect_always(20s, "the ring of all", [&] { return of.is_ring_of(all, all); });
  for (const std::size_t node : all) of.run.set_candidates(node, all);
  of.expect_one_ring(all);
  of.expect_leases(all, 1s);
  return of.end();
}

// Addresses where nobody is, ids that belong to other addresses, the node itself as somebody else.
membership_finding lying_discovery(std::uint64_t seed) {
  course of(sized(seed, 3));
  const node_list all = nodes_from(0, 3);
  of.load_until(40s);
  of.run.run_for(4s);
  for (const std::size_t node : all) {
    std::vector<candidate> lies;
    for (const std::size_t other : all) {
      const std::size_t swapped = of.random.chance(0.5) ? (other + 1) % 3 : other;
      lies.push_back({cluster::id_of(swapped), cluster::address_of(other)});
    }
    const std::size_t ghosts = of.random.below(3);
    for (std::size_t i = 0; i != ghosts; ++i)
      lies.push_back({"", "ghost" + std::to_string(i) + ":1"});
    if (of.random.chance(0.5)) lies.push_back({"ghost", "nowhere:1"});
    of.run.tell(node, std::move(lies));
  }
  of.expect_always(15s, "all reach all", [&] {
    return of.run.reaches(0, 1) && of.run.reaches(1, 2) && of.run.reaches(2, 0);
  });
  for (const std::size_t node : all) of.run.set_candidates(node, all);
  of.expect_one_ring(all);
  of.expect_leases(all, 10s);
  return of.end();
}

// Every answer leaves out other nodes; all are there and reach each other.
membership_finding flapping_discovery(std::uint64_t seed) {
  course of(sized(seed, 5));
  const node_list all = nodes_from(0, 5);
  of.load_until(40s);
  of.run.run_for(4s);
  for (int i = 0; i != 20; ++i) {
    for (const std::size_t node : all) {
      node_list some = all;
      std::erase_if(some, [&](std::size_t) { return of.random.chance(0.4); });
      of.run.set_candidates(node, some);
    }
    of.run.run_for(of.random.between(200ms, 1800ms));
  }
  for (const std::size_t node : all) of.run.set_candidates(node, all);
  of.expect_one_ring(all);
  of.expect_leases(all, 4s);
  return of.end();
}

constexpr std::array membership_table{
    membership_case{"0 -> 3 nodes at once", from_none_to_three},
    membership_case{"all start at once", all_start_at_once},
    membership_case{"two halves meet", two_halves_meet},
    membership_case{"restart at the same address", restart_at_the_same_address},
    membership_case{"duplicate node ids", duplicate_ids},
    membership_case{"foreign cluster at an address", foreign_cluster},
    membership_case{"discovery silent for 10 s", silent_discovery},
    membership_case{"discovery empty for 20 s", empty_discovery},
    membership_case{"discovery that lies", lying_discovery},
    membership_case{"discovery that flaps", flapping_discovery},
    membership_case{"one is dead at the start", start_with_one_dead},
    membership_case{"growth, newcomers silent", silent_newcomers},
    membership_case{"growth, discovery is late", late_discovery},
    membership_case{"newcomers behind a cut", newcomers_behind_a_cut},
    membership_case{"newcomers serve unheard", newcomers_serve_unheard},
    membership_case{"old nodes cease to serve", old_nodes_cease_to_serve},
};

}  // namespace

std::span<const membership_case> membership_cases() noexcept {
  return membership_table;
}

}  // namespace weir::sim
