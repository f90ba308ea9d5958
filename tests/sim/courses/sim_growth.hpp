#pragma once

#include "tests/sim/courses/sim_membership.hpp"
#include "tests/sim/world/sim_cluster.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::sim {

/// What discovery says of nodes that are to come.
enum class naming : std::uint8_t {
  marked,   ///< addresses, long before the processes start, and who serves: kubernetes
  plain,    ///< addresses, long before the processes start: static, dns
  present,  ///< only who has started: nats
};

inline constexpr std::array namings{naming::marked, naming::plain, naming::present};

std::string_view name(naming of) noexcept;

/// A ring of `from` nodes that is to have `to`.
struct growth_script {
  naming kind = naming::marked;
  std::size_t from = 3;
  std::size_t to = 6;
  duration silent = 120s;  ///< from when they are named until the newcomers start
  bool is_cut = false;     ///< before they start, from all old nodes, for 100 s
  duration late = 200ms;   ///< discovery reaches some so much later than others
  bool loses_discovery =
      false;  ///< the old nodes do, as they are cut off, and notice it 50 s later
  bool ceases_to_serve = false;  ///< the old nodes are marked so, as they are cut off
};

struct growth_result {
  std::size_t leases_lost =
      0;              ///< old nodes that were seen without theirs before they were cut off
  double cached = 0;  ///< share of their reads meanwhile
  std::uint64_t second_clusters =
      0;  ///< looks at which old nodes and newcomers had leases, though cut
  membership_finding found;
};

growth_result play_growth(const growth_script& script, std::uint64_t seed);

/// How long nodes that all start at once, but for the last `dead` ones that are named with them, are
/// without leases; nothing = longer than five minutes.
std::optional<duration> play_cold_start(
    naming kind, std::size_t nodes, std::size_t dead, std::uint64_t seed
);

// Courses: see sim_membership.hpp.
membership_finding silent_newcomers(std::uint64_t seed);
membership_finding newcomers_behind_a_cut(std::uint64_t seed);
membership_finding late_discovery(std::uint64_t seed);
membership_finding newcomers_serve_unheard(std::uint64_t seed);
membership_finding old_nodes_cease_to_serve(std::uint64_t seed);
membership_finding start_with_one_dead(std::uint64_t seed);

}  // namespace weir::sim
