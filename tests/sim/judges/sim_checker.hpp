#pragma once

#include "tests/sim/world/sim_cluster.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace weir::sim {

/// What is checked beyond what always holds.
struct check_options {
  instant calm_until{0};  ///< before it there were no faults
  bool asks_why =
      true;  ///< C6: every load needs a cause; only the general faults are known well enough
  bool only_freezes = false;  ///< nothing else goes wrong: then only a silent owner, or one that
                              ///< froze for so long that it was routed around, explains a load in
                              ///< its place, and nothing two of them at once
  instant healed_at{0};       ///< from then on there are none; 0 = never
  instant recovered_at{0};    ///< from then on the cluster must be as good as before; 0 = never
};

/// A cluster that passes everything through proves nothing: over many runs, at least so much must
/// come from cache while faults last, and so many invalidations must be OK.
inline constexpr double least_cached_in_faults = 0.30;
inline constexpr double least_confirmed_in_faults = 0.50;

struct share {
  std::uint64_t part = 0;
  std::uint64_t whole = 0;

  double value() const noexcept {
    return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
  }

  void count(bool is_part) {
    ++whole;
    part += is_part ? 1 : 0;
  }

  void add(const share& other) {
    part += other.part;
    whole += other.whole;
  }
};

/// What became of one simulation, or the sum of many.
struct verdict {
  std::vector<std::string> violations;
  bool is_broken = false;  ///< by an answer: the oracle stopped the run there

  std::uint64_t runs = 0;
  duration virtual_time{0};
  std::uint64_t reads = 0;
  std::uint64_t changes = 0;
  std::map<std::string, std::uint64_t> outcomes;  ///< "get value", "put failed: conflict", ...
  std::map<std::string, std::uint64_t> faults;    ///< by kind
  share cached_in_calm;
  share cached_in_faults;
  share cached_after_recovery;
  share confirmed_in_faults;            ///< of the invalidations that were answered: OK
  std::vector<float> ok_millis;         ///< how long every change took that was OK
  std::vector<float> calm_millis;       ///< how long reads took before the faults
  std::vector<float> recovered_millis;  ///< and after the recovery
  duration slowest_read{0};
  std::vector<float> agreed_millis;  ///< after each last fault had ended: until all views were one

  std::uint64_t loads = 0;
  std::uint64_t keys_loaded = 0;
  std::uint64_t most_loads_of_a_key = 0;
  std::map<std::string, std::uint64_t> load_reasons;   ///< why the source was asked
  std::map<std::string, std::uint64_t> excess_causes;  ///< of loads beside a running one of the key
  std::array<std::uint64_t, 5> at_once{};  ///< loads by how many of the key ran, itself included

  std::uint64_t stale_reads_of_available =
      0;  ///< of keyspaces that serve without a lease: no violation

  std::uint64_t hash = 0;

  void add(const verdict& other);
};

/// The value that `share` of the values do not exceed; sorts them. 0 for none.
float quantile(std::vector<float>& values, double share);

/// Judges a finished run: what the oracle found while it ran, and what only the whole can tell:
/// that every request has one outcome in time (C8), that each load has a cause (C6), and that the
/// cluster recovers.
verdict judge(cluster& run, const check_options& options);

}  // namespace weir::sim
