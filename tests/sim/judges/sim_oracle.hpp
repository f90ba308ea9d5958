#pragma once

#include "tests/sim/judges/sim_history.hpp"
#include "tests/sim/world/sim_scheduler.hpp"
#include "tests/sim/world/sim_source.hpp"

#include <weir/engine/options.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace weir::sim {

/// What grows with time: at each moment the greatest of what was added for an earlier one.
template <class T>
class staircase {
 public:
  struct step {
    T value{};
    std::uint64_t request = 0;  ///< who raised it; 0 = nobody yet
  };

  void raise(instant from, T value, std::uint64_t request) {
    auto next = steps_.lower_bound(from);
    if (next != steps_.begin() && std::prev(next)->second.value >= value) return;
    while (next != steps_.end() && next->second.value <= value) next = steps_.erase(next);
    steps_.insert_or_assign(from, step{value, request});
  }

  /// What was added for moments before `when`.
  step at(instant when) const {
    const auto next = steps_.lower_bound(when);
    return next == steps_.begin() ? step{} : std::prev(next)->second;
  }

 private:
  std::map<instant, step> steps_;
};

/// weir-san: knows every load, every change and who acknowledged it, and judges each answer in the
/// moment in which it is given. Every value and every absence says which load or put made it
/// (sim_value.hpp).
class oracle {
 public:
  oracle(
      const scheduler& world,
      const source_world& source,
      const history& past,
      const std::vector<keyspace_options>& keyspaces
  )
      : world_(world), source_(source), past_(past), keyspaces_(keyspaces) {}

  /// A removal reached a node that may apply it.
  void removal_received(const std::string& keyspace, const std::string& key) {
    last_removal_[{keyspace, key}] = world_.now();
  }

  /// The feed of a life of a node told of a change that was made then, or that all may have changed
  /// (C9).
  void told(owner_id life, const std::string& keyspace, const std::string& key, instant made);
  void told_of_reset(owner_id life, const std::string& keyspace);

  /// Says what is wrong with the answer of a request that has just ended, and learns from it.
  /// Nothing = fine.
  std::optional<std::string> judge(const request_record& of);

  /// What happened around a request, for whoever reads about it: its key's loads and requests, and
  /// the faults.
  std::string around(const request_record& of) const;

  /// Reads of keyspaces that serve without a lease that were older than an acknowledged change.
  std::uint64_t stale_reads_of_available() const noexcept { return stale_in_available_; }

 private:
  using row = std::pair<std::string, std::string>;
  using verdict_text = std::optional<std::string>;

  /// All nodes agreed on who owns a key, and that owner's epoch was this.
  struct epoch_seen {
    instant when;
    std::uint64_t epoch;
    std::uint64_t request;
  };

  verdict_text judge_answer(const request_record& of);
  verdict_text judge_made(const request_record& of, instant made, milliseconds kept);
  verdict_text judge_unlabelled_absence(const request_record& of);
  verdict_text judge_told(const request_record& of) const;
  verdict_text judge_session(const request_record& of);
  verdict_text judge_error(const request_record& of);
  verdict_text judge_change(const request_record& of);
  verdict_text judge_precondition(const request_record& of);
  void learn_version(const request_record& of);
  void demand(const request_record& change);

  verdict_text made_at(const request_record& of, instant& made, milliseconds& kept) const;
  instant latest_effect(const request_record& put) const;
  staircase<instant>::step demanded(const request_record& of) const;
  const keyspace_options& options_of(const std::string& keyspace) const;
  const std::vector<std::size_t>& loads_of(const row& where);

  const scheduler& world_;
  const source_world& source_;
  const history& past_;
  const std::vector<keyspace_options>& keyspaces_;

  std::map<row, staircase<instant>> demands_;  // the empty key: clear
  std::map<std::pair<row, std::uint64_t>, staircase<std::uint64_t>> seq_demands_;  // by epoch
  std::map<std::tuple<owner_id, std::size_t, row, std::uint64_t>, staircase<std::uint64_t>> seen_;
  std::map<std::pair<row, std::uint64_t>, staircase<std::uint64_t>> versions_;  // seen, by epoch
  std::map<row, std::vector<epoch_seen>> epochs_;
  std::map<row, instant> last_removal_;
  std::map<std::pair<owner_id, row>, staircase<instant>> told_;  // the empty key: everything
  std::map<row, std::vector<std::size_t>> loads_;
  std::size_t loads_known_ = 0;
  std::uint64_t stale_in_available_ = 0;
};

}  // namespace weir::sim
