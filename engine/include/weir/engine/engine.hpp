#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/data_source.hpp>
#include <weir/engine/environment.hpp>
#include <weir/engine/keyspace.hpp>
#include <weir/engine/membership.hpp>
#include <weir/engine/options.hpp>
#include <weir/engine/peer.hpp>
#include <weir/engine/protocol_rules.hpp>
#include <weir/engine/ring.hpp>
#include <weir/engine/source_argument.hpp>
#include <weir/engine/stats.hpp>

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir WEIR_API {

/// How one node takes part in a cluster. The defaults are right for most.
struct engine_options {
  ring_settings ring = {};      ///< equal on all nodes of a cluster
  health_settings health = {};  ///< when a peer counts as unreachable
  hedge_options hedge = {};     ///< when a read whose owner is silent asks another node too
  protocol_rules rules = {};    ///< all on; only the simulator changes it
};

/// Where a key lives.
struct key_place {
  std::uint16_t slot = 0;
  std::string owner;
  std::string gutter;  ///< the owner itself on a lone node
};

/// The cache of one node: keyspaces, ring, membership and the requests of other nodes.
///
/// It opens no socket: the network is passed in, and peers reach it through peer_handler. A node
/// without network is a cluster of one. Thread-safe. The environment and the network must outlive
/// it.
class engine final : public peer_handler {
 public:
  engine(environment& env, identity self, engine_options options = {});

  /// stop(), then forgets everything.
  ~engine() override;

  engine(const engine&) = delete;
  engine& operator=(const engine&) = delete;

  /// Sets the address that others dial, once it is known; before join() and requests.
  void advertise(std::string address);

  /// Begins to use `network` and to probe peers. At most once, before requests.
  void join(peer_network& network);

  /// Who may be a peer, as discovery sees it now; the node itself may be listed. Replaces the last
  /// call.
  void set_candidates(std::vector<candidate> candidates);

  /// Adds a keyspace. Throws std::invalid_argument for bad options or a name that is taken.
  keyspace add_keyspace(keyspace_options options, source_argument source);

  /// Gives a keyspace new options; reads under way end with their value, and handles stay good.
  ///
  /// In place: what it holds stays. A shorter TTL counts at once for what is kept, from its load's
  /// begin, a longer one for new loads only; a value that was put with a TTL of its own keeps it.
  /// Smaller limits evict down to them. A change of `consistency` cannot be made in place: the
  /// keyspace then starts empty. Throws std::invalid_argument for bad options or a name that is not
  /// there. Costs a walk over the entries where the TTL became shorter; not for an event loop.
  keyspace_update update_keyspace(keyspace_options options);

  /// The same with another source: the keyspace starts empty, and loads under way are kept nowhere.
  /// Adds it when there is none. With the very source that it has, as above.
  keyspace_update update_keyspace(keyspace_options options, source_argument source);

  /// Removes a keyspace from this node; errc::no_keyspace when there is none. Reads under way fail
  /// with errc::unavailable, later ones with errc::no_keyspace.
  [[nodiscard]] result<void> remove_keyspace(std::string_view name);

  /// The keyspace of that name; a default-constructed handle when there is none.
  keyspace find_keyspace(std::string_view name) const;

  /// All keyspaces, sorted by name.
  std::vector<keyspace> keyspaces() const;

  const identity& self() const noexcept;
  environment& env() const noexcept;

  /// This node's ring; never null.
  std::shared_ptr<const weir::ring> ring() const;
  std::uint64_t view_digest() const;
  key_place place_of(std::string_view keyspace, std::string_view key) const;

  /// All nodes that this one knows, itself first, then by id.
  std::vector<member_status> members() const;

  /// Whether this node may serve what it keeps.
  lease_status lease() const;

  /// How far this node has come since it started.
  settling_progress settling() const;

  /// Set while other nodes refuse this one for its id; empty when a link is up, or when no node has
  /// refused it for 5 s.
  std::optional<weir::id_conflict> id_conflict() const;

  /// What the changes that this node ordered or sent round have cost so far.
  change_stats changes() const;

  /// How often reads asked another node because their owner was silent.
  hedge_stats hedges() const;

  /// Takes a member that is lost for ever off every view at once, without asking a majority: for an
  /// operator whose cluster lost most of its members. If the member still runs elsewhere, C3 is
  /// void for that moment. errc::not_found when no node of that id counts; errc::bad_request for
  /// this node itself.
  [[nodiscard]] result<void> forget(std::string_view id);

  /// What this node tells members that ask for its figures; called on event loops. Before join().
  void set_report(std::function<std::string()> make);

  /// The figures of every other member, sorted by id; a member that does not answer in time has an
  /// error.
  asio::awaitable<std::vector<member_report>> async_reports(milliseconds timeout);

  /// Called after each change of members, health or ring, on an event loop; one line of text each.
  void on_event(std::function<void(const cluster_event&)> listener);

  /// Gives the slots of this node to the others, and has the new owners ask for its entries, the
  /// hottest first, up to 64 MiB. It stays a member, serves by asking them, and never takes slots
  /// again. Before leave(). Calls back with the number of entries that were taken, when all were
  /// offered or at the deadline.
  void hand_over(time_point deadline, completion<std::size_t> done);

  /// Tells the peers that this node leaves; they take it off their rings. Calls back when all know
  /// or at the deadline.
  void leave(time_point deadline, completion<> done);

  /// Fails everything that waits with errc::unavailable and serves no more. Idempotent.
  void stop();

  // peer_handler
  bool try_serve(const peer_request& request, peer_reply& reply) override;
  void serve(
      identity from, peer_request request, completion<peer_reply> reply, completion<> loading = {}
  ) override;
  void on_link_up(const std::string& address, const identity& peer) override;
  void on_link_down(const std::string& address, link_loss cause) override;
  void on_peer_seen(const identity& peer) override;
  void on_id_conflict(const weir::id_conflict& found) override;

 private:
  struct impl;
  const std::shared_ptr<impl> impl_;
};

}  // namespace weir
