#pragma once

#include <weir/discovery/provider.hpp>
#include <weir/doors/admin_action.hpp>
#include <weir/doors/door_token.hpp>
#include <weir/engine/api.hpp>
#include <weir/engine/engine.hpp>
#include <weir/engine/runtime.hpp>
#include <weir/node/log.hpp>
#include <weir/transport/tls.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/assert/source_location.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace weir WEIR_API {

class metrics_text;

/// How a node is made. Aggregate: `{.cluster = "demo", .id = "n1"}`. No door is open unless named
/// here.
struct node_options {
  std::string cluster = "weir";  ///< nodes of another name are refused; see is_name()
  std::string id = {};       ///< stable name, the ring hashes it; empty = the host name; as cluster
  std::uint32_t weight = 1;  ///< share of the keys relative to other nodes, 1..100

  /// Where other nodes connect: "10.0.0.1:7420", ":7420" (every interface), "127.0.0.1:0" (any free
  /// port). Empty = closed. Without peer_tls the link is plain text without authentication: trusted
  /// networks only.
  std::string peer_address = {};

  /// Certificate, key and authorities for mutual TLS 1.3 with other nodes; the certificate has `id`
  /// as a DNS name. Files that are replaced are taken up within seconds. No `cert` = plain text.
  tls_files peer_tls = {};

  /// Where HTTP clients connect, in the same forms. Empty = closed.
  std::string http_address = {};

  /// Certificate and key of the HTTP door, which then speaks https only. No `cert` = plain text.
  tls_files http_tls = {};

  /// Bearer tokens of the HTTP door. Empty = every client may do everything there.
  std::vector<door_token> http_tokens = {};

  /// host:port that other nodes dial. Empty = peer_address, or, when that is every interface, the
  /// address of the interface that reaches the first candidate.
  std::string advertise = {};

  /// Names the other nodes. Null = a lone node, unless others dial it. Needs peer_address.
  std::shared_ptr<provider> discovery = nullptr;

  /// Bytes of answers that may wait for slow readers, over all connections and doors. Beyond, large
  /// answers wait, then fail with `overloaded`, and readers that take nothing are cut off.
  std::size_t max_reply_memory = std::size_t{64} << 20;

  ring_settings ring = {};       ///< equal on all nodes of a cluster
  health_settings health = {};   ///< when a peer counts as unreachable
  hedge_options hedge = {};      ///< when a read whose owner is silent asks another node too
  runtime_options runtime = {};  ///< event loops and worker threads

  /// Where log records go; called on any thread, must not block. Empty = warnings and errors as
  /// lines to standard error.
  log_sink log = {};

  /// Adds families of its own to metrics(), called on any thread; see
  /// weir/transport/metrics_text.hpp.
  std::function<void(metrics_text&)> metrics = {};

  /// What POST /cluster/reload and /cluster/drain of the HTTP door do; called on an event loop,
  /// must not block. Empty = the door answers that this program offers none.
  admin_action reload = {};
  admin_action drain = {};

  /// Where on_event() listeners run. Empty = an event loop of the node, which they must not block.
  asio::any_io_executor executor = {};
};

/// Why a node did not start: the code for programs, the text for people. The text says what failed,
/// where, and what to do.
struct start_error {
  error_code code;
  std::string text;
};

/// Lets result<T, start_error>::value() throw boost::system::system_error with the text.
[[noreturn]] void throw_exception_from_error(
    const start_error& error, const boost::source_location& where
);

/// One node of a weir cluster in this process: the engine with its doors, discovery and threads.
///
///     weir::node node({.cluster = "demo", .id = "n1"});
///     auto users = node.add_keyspace({.name = "users", .ttl = 60s}, load_user);
///     node.start().value();
///     users.get("42");
///
/// Thread-safe, but for start(), drain() and stop(): these on one thread that is no event loop of
/// the node, and start() before requests. Any number of nodes may live in one process. See
/// examples/3_cluster.
class node {
 public:
  /// Starts the threads; opens nothing. Throws std::invalid_argument for options out of range and
  /// std::system_error when the system has no threads left.
  explicit node(node_options options = {});

  /// stop().
  ~node();

  node(const node&) = delete;
  node& operator=(const node&) = delete;

  /// Adds a keyspace in front of `source`: a function (blocking or awaitable) or a
  /// weir::data_source. Before or after start(). Throws std::invalid_argument for bad options or a
  /// name that is taken.
  keyspace add_keyspace(keyspace_options options, source_argument source);

  /// As engine::update_keyspace(): new options in place, or with another source, which starts
  /// empty.
  keyspace_update update_keyspace(keyspace_options options);
  keyspace_update update_keyspace(keyspace_options options, source_argument source);

  /// Removes a keyspace from this node; errc::no_keyspace when there is none. Reads under way fail
  /// with errc::unavailable, later ones with errc::no_keyspace.
  [[nodiscard]] result<void> remove_keyspace(std::string_view name);

  /// The keyspace of that name; a default-constructed handle when there is none.
  keyspace find_keyspace(std::string_view name) const;

  /// All keyspaces, sorted by name.
  std::vector<keyspace> keyspaces() const;

  /// All nodes that this one knows, itself first, then by id.
  std::vector<member_status> members() const;

  /// Whether this node may serve what it keeps, as engine::lease().
  lease_status lease() const;

  /// Takes a member that is lost for ever off every view, as engine::forget().
  [[nodiscard]] result<void> forget(std::string_view id);

  /// This node's ring; never null.
  std::shared_ptr<const weir::ring> ring() const;

  /// Where a key lives, as this node sees it.
  key_place place_of(std::string_view keyspace, std::string_view key) const;

  /// Adds a listener for changes of members, health, ring and keyspaces; see
  /// node_options::executor. Throws std::invalid_argument for an empty one.
  void on_event(std::function<void(const cluster_event&)> listener);

  /// Everything this node counts, as Prometheus text.
  std::string metrics() const;

  /// Opens the doors and looks for peers, without waiting for any. Once.
  ///
  /// On failure everything that was opened is closed again and the error names the address.
  [[nodiscard]] boost::system::result<void, start_error> start();

  /// Takes the node out of the cluster gently, in at most `longest`: it becomes not ready, tells
  /// the peers that it leaves, serves on while they learn it, and finishes requests in flight. Ends
  /// with stop(), which may wait longer for sources that are running. `closing`, if any, is called
  /// just before the doors close, with the number of entries that their new owners took over.
  void drain(milliseconds longest, const std::function<void(std::size_t)>& closing = {});

  /// Reads the files of certificates again now, as SIGHUP does; a set that cannot be used changes
  /// nothing and is logged. Blocks for the time of reading.
  void reload_tls();

  /// Replaces the bearer tokens of the HTTP door; connections that are open are judged by the new
  /// ones.
  void set_http_tokens(const std::vector<door_token>& tokens);

  /// Closes the doors and fails what waits with errc::unavailable; waits for sources that are
  /// running. Idempotent. Handles of keyspaces stay safe to call.
  void stop();

  const std::string& id() const noexcept;

  /// The event loops, for sockets of sources; valid as long as the node.
  std::vector<asio::io_context*> loops() const;

  /// Where the doors really are, port included; empty while closed.
  std::string peer_address() const;
  std::string http_address() const;

  /// True when requests should be sent here: started, and not draining. Never depends on peers.
  bool is_ready() const;

 private:
  struct impl;
  const std::unique_ptr<impl> impl_;
};

}  // namespace weir
