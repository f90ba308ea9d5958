#pragma once

#include "tests/sim/judges/sim_history.hpp"
#include "tests/sim/judges/sim_oracle.hpp"
#include "tests/sim/world/sim_environment.hpp"
#include "tests/sim/world/sim_fabric.hpp"
#include "tests/sim/world/sim_network.hpp"
#include "tests/sim/world/sim_scheduler.hpp"
#include "tests/sim/world/sim_source.hpp"

#include <weir/engine/engine.hpp>
#include <weir/engine/session.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir::sim {

struct cluster_options {
  std::size_t nodes = 3;
  std::uint64_t seed = 1;
  std::int64_t most_ppm = 20'000;  ///< clock rates are within 1 +- this / 10^6; 0 = perfect clocks
  engine_options engine{};
  std::vector<keyspace_options> keyspaces{};  ///< empty = one, "users", writable
  std::size_t start_nodes = SIZE_MAX;         ///< the first so many run from the beginning
  bool knows_late_nodes = true;               ///< and discovery names the others from the beginning
  bool clock_stops_in_freeze = false;         ///< of every machine
  std::string told_keyspace{};                ///< the database tells of its changes; empty = none

  bool knows_ids = true;  ///< discovery names ids beside addresses
  bool marks_serving =
      false;  ///< and says who serves; at first those do that run from the beginning

  /// What one node is told otherwise than the others.
  std::function<void(std::size_t, engine_options&)> but{};

  /// As whom a node presents itself, if not as "sim", id_of() and address_of().
  std::function<void(std::size_t, identity&)> but_identity{};
};

/// A whole cluster in one thread: nodes with engines, wires, a database, and clients that note
/// everything.
///
/// Nodes are numbered from 0 and called "n0", "n1", ... The verbs act at once; time passes only in
/// run_for(), run_until() and the blocking requests, which run the simulation until they are
/// answered.
class cluster {
 public:
  explicit cluster(cluster_options options = {});
  ~cluster();
  cluster(const cluster&) = delete;
  cluster& operator=(const cluster&) = delete;

  // Time.
  void run_for(duration time) { world_.run_for(time); }

  bool run_until(const std::function<bool()>& done, duration at_most);

  instant now() const noexcept { return world_.now(); }

  // Faults. Each is noted in the history.
  void kill(std::size_t node, going_down how = going_down::process);
  void restart(std::size_t node, duration discovery_answers_after = 0ns);
  void freeze(std::size_t node);
  void freeze(std::size_t node, duration time);
  void thaw(std::size_t node);
  void cut(std::size_t from, std::size_t to);
  void cut_both(std::size_t a, std::size_t b);
  void mend(std::size_t from, std::size_t to);
  void spoil_wires(const wire_faults& faults);

  /// Mends every cut, calms the wires, thaws and restarts every node, and lets discovery name all
  /// to all.
  void heal();

  // Membership.
  void start(std::size_t node) { restart(node); }

  /// The node says that it goes; it runs on until it is killed.
  void leave(std::size_t node);
  void set_candidates(std::size_t node, const std::vector<std::size_t>& others);

  /// Discovery answers `node` this once, true or not. As in a real node, an empty answer changes
  /// nothing.
  void tell(std::size_t node, std::vector<candidate> named);

  /// What discovery tells `node` from now on: `other` is there, or is not.
  void name_candidate(std::size_t node, std::size_t other);
  void drop_candidate(std::size_t node, std::size_t other);

  /// The same, and the link that `node` has dialled to `other` breaks just then.
  void drop_unlinked(std::size_t node, std::size_t other);

  /// Discovery marks `node` as serving, or not, to all who hear it. A node that starts serves a
  /// second later, one that is killed at once no more.
  void mark(std::size_t node, bool is_serving);

  /// `node` hears nothing of discovery any more, and does not know that yet; then it does; then it
  /// hears all that it has missed.
  void lose_discovery(std::size_t node) { nodes_[node].is_deaf = true; }

  void note_lost_discovery(std::size_t node);
  void regain_discovery(std::size_t node);

  /// Notes that the membership of `node` changes from now on, or has come to rest.
  void begin_change(fault_kind kind, std::size_t node);

  void end_change(fault_kind kind, std::size_t node) { end_fault(kind, node, node); }

  // Requests of clients. start() returns at once; its record tells the outcome.
  struct request {
    request_kind kind = request_kind::get;
    std::string key;
    std::string keyspace{};  ///< empty = the first
    milliseconds timeout{5000};
    std::optional<milliseconds> ttl{};
    precondition condition{};
    std::size_t session = 0;  ///< requests of one session and node are one client's; 0 = none
    std::optional<observation> basis{};  ///< when the version of `condition` was observed
  };

  std::uint64_t start(std::size_t node, request what);

  const request_record& outcome(std::uint64_t number) const {
    return history_.requests[number - 1];
  }

  request_record run(std::size_t node, request what);

  request_record get(std::size_t node, const std::string& key) { return run(node, {.key = key}); }

  request_record invalidate(std::size_t node, const std::string& key);
  request_record put(std::size_t node, const std::string& key, precondition condition = {});

  // What there is.
  std::size_t size() const noexcept { return nodes_.size(); }

  /// Whether it serves from memory now.
  bool has_lease(std::size_t node) { return is_up(node) && at(node).lease().is_valid; }

  bool is_up(std::size_t node) const noexcept { return nodes_[node].engine != nullptr; }

  bool is_frozen(std::size_t node) const noexcept { return nodes_[node].is_frozen; }

  engine& at(std::size_t node) { return *nodes_[node].engine; }

  sim_environment& environment(std::size_t node) { return *nodes_[node].env; }

  const node_clock& clock(std::size_t node) const noexcept { return nodes_[node].on.clock; }

  weir::keyspace keyspace(std::size_t node, const std::string& name = {});

  /// False for a node that runs for the first time later, and that nobody was told of.
  bool is_known(std::size_t node) const noexcept { return nodes_[node].is_known; }

  /// Who owns a key, and who stands in for him, when all who belong to the cluster at `when` are in
  /// the ring.
  std::size_t owner(
      const std::string& key, const std::string& keyspace = {}, instant when = instant::max()
  ) const;
  std::size_t gutter(
      const std::string& key, const std::string& keyspace = {}, instant when = instant::max()
  ) const;

  /// A key that `node` owns; different for each `number`.
  std::string key_of(std::size_t node, int number = 0) const;

  /// A key that one node owns and another stands in for.
  std::string key_between(std::size_t owns, std::size_t stands_in) const;

  /// How often the database was asked for the key.
  std::size_t loads(const std::string& key) const;

  /// Whether `from` takes `node` for reachable.
  bool reaches(std::size_t from, std::size_t node) const;

  bool views_agree() const { return common_view() != 0; }

  /// The digest of the view that all nodes have; 0 = they differ.
  std::uint64_t common_view() const;

  scheduler& world() noexcept { return world_; }

  fabric& wires() noexcept { return wires_; }

  source_world& source() noexcept { return source_; }

  const history& past() const noexcept { return history_; }

  const oracle& judge() const noexcept { return oracle_; }

  /// True as soon as an answer broke a promise: time stands still then.
  bool is_broken() const noexcept { return !history_.violations.empty(); }

  const cluster_options& options() const noexcept { return options_; }

  std::uint64_t puts() const noexcept { return puts_; }

  random_stream& random() noexcept { return random_; }

  static std::string id_of(std::size_t node) { return "n" + std::to_string(node); }

  static std::string address_of(std::size_t node) { return id_of(node) + ":7400"; }

 private:
  struct node {
    machine on;
    std::unique_ptr<sim_environment> env;
    std::unique_ptr<sim_network> net;
    std::unique_ptr<weir::engine> engine;
    std::map<std::pair<std::size_t, std::string>, weir::session> sessions;
    std::vector<std::size_t> candidates;
    std::uint64_t freezes = 0;
    instant frozen_at{0};
    std::optional<instant> booted_at;
    std::uint64_t answers = 0;  ///< of discovery, so far
    std::uint64_t last_answer = 0;
    std::uint64_t drops = 0;  // of everything, and losses of the lease, as last seen
    bool is_frozen = false;
    bool is_known = true;
    bool is_serving = false;  ///< as discovery marks it
    bool is_deaf = false;
    owner_id told_life = the_world;  ///< the last that discovery answered
  };
  class open_request;

  void serve_later(std::size_t number);
  void boot(std::size_t number, duration discovery_answers_after = 0ns);
  void name_survivors(std::size_t number);
  void destroy(std::size_t number, going_down how);
  template <class Target>  // a keyspace, or a session on it
  asio::awaitable<void> perform(Target on, request what, std::shared_ptr<open_request> open);
  void watch_leases();
  void look_at_lease(std::size_t node);
  void add_ring();
  std::uint16_t slot(const std::string& key, const std::string& keyspace) const;
  const weir::ring& ring_at(instant when) const;
  void received(const peer_request& request);
  void end_fault(fault_kind kind, std::size_t node, std::size_t other);

  cluster_options options_;
  scheduler world_;
  fabric wires_;
  source_world source_;
  random_stream random_;
  history history_;
  oracle oracle_;
  std::vector<node> nodes_;
  std::vector<std::pair<instant, std::unique_ptr<weir::ring>>>
      rings_;  // of those known, from when on
  owner_id last_owner_ = the_world;
  std::uint64_t puts_ = 0;
};

}  // namespace weir::sim
