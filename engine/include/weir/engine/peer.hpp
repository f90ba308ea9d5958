#pragma once

#include <weir/engine/agreement_messages.hpp>
#include <weir/engine/api.hpp>
#include <weir/engine/environment.hpp>
#include <weir/engine/options.hpp>
#include <weir/engine/peer_messages.hpp>
#include <weir/engine/result.hpp>
#include <weir/engine/view.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace weir WEIR_API {

/// The identity that a node claims when two nodes meet. Proven by the handshake, never by
/// discovery.
struct identity {
  std::string cluster;            ///< a name; empty = one without a name
  std::string id;                 ///< a name, stable over restarts; the ring hashes it
  std::uint64_t incarnation = 0;  ///< random per start; 0 = the engine draws one
  std::uint32_t weight = 1;       ///< 1..max_weight
  std::string address;            ///< host:port that others dial
  ring_settings ring = {};        ///< nodes that build other rings refuse each other
};

/// Says what is wrong with `who`, with the range that is allowed; empty = valid. An id is a name, a
/// cluster a name or empty, weight and ring within their limits. Nodes ask it of each other, too.
std::string fault_of(const identity& who);

/// Throws std::invalid_argument with the words of fault_of(), if there are any.
void check(const identity& who);

inline constexpr std::uint16_t peer_protocol_version = 4;

using request_body = std::variant<
    get_request,
    get_many_request,
    change_request,
    ping_request,
    leave_request,
    confirm_request,
    feed_request,
    vote_request,
    relay_request,
    report_request>;
using reply_body = std::variant<
    get_reply,
    get_many_reply,
    change_reply,
    ping_reply,
    leave_reply,
    confirm_reply,
    feed_reply,
    vote_reply,
    relay_reply,
    report_reply>;

struct peer_request {
  std::uint64_t view_digest = 0;
  milliseconds timeout{5000};  ///< time left when the request was sent
  request_body body;
};

struct peer_reply {
  std::uint64_t view_digest = 0;
  reply_body body;
};

/// Why a link to a peer ended.
enum class link_loss : std::uint8_t {
  refused,   ///< nothing listens there
  reset,     ///< the connection broke
  timeout,   ///< no connection or handshake in time
  rejected,  ///< another cluster, a doubled id, another protocol: see the log
};

/// A node refused this one because another living process uses the same node id.
struct id_conflict {
  std::string text;              ///< "another living process (10.0.0.1:7420) uses node id \"n1\""
  bool is_said_by_other = true;  ///< by a third node; else by the process of the same id
};

/// What the engine does for the network: it serves requests and learns of links.
///
/// Called on any event loop. `reply` may be called before serve() returns.
class peer_handler {
 public:
  virtual ~peer_handler() = default;

  /// Answers without waiting if it can: the path of a hit. False = nothing done, call serve().
  virtual bool try_serve(const peer_request& request, peer_reply& reply) = 0;

  /// Serves one request of the node `from`, whose address is empty as in on_peer_seen(); `reply` is
  /// called exactly once. Of a get that starts or joins a load as owner `loading`, unless it is
  /// empty, is called before: at most once, before the source is called and serve() returns.
  virtual void serve(
      identity from, peer_request request, completion<peer_reply> reply, completion<> loading
  ) = 0;

  /// A handshake with the node at `address` that this node dialled succeeded.
  virtual void on_link_up(const std::string& address, const identity& peer) = 0;

  /// The link to `address` is gone or could not be made. `connect`ed addresses are dialled again by
  /// the network.
  virtual void on_link_down(const std::string& address, link_loss cause) = 0;

  /// A node that was not dialled introduced itself. It is a candidate at `peer.address`, which is
  /// empty when nothing but its own claim says that it is there.
  virtual void on_peer_seen(const identity& peer) = 0;

  /// A node refused a link because of this node's id.
  virtual void on_id_conflict(const id_conflict& found) { static_cast<void>(found); }
};

/// Is told how a request fares before it is answered.
class call_watcher {
 public:
  virtual ~call_watcher() = default;

  /// The asked node is working on it: it starts or joins a load. Called at most once, on an event
  /// loop, never after the request's completion.
  virtual void on_loading() = 0;
};

/// The engine's way to other nodes: the peer link in the product, a seeded model in the simulator.
///
/// Thread-safe. At most one link per address; requests to an address without a link fail at once.
class peer_network {
 public:
  virtual ~peer_network() = default;

  /// Dials `address` now and again after each loss until disconnect(); every result goes to the
  /// handler.
  virtual void connect(const std::string& address) = 0;

  /// Ends the link and stops dialling. What is pending there fails with errc::unavailable.
  virtual void disconnect(const std::string& address) = 0;

  /// Sends one request. `done` is called exactly once, never before call() returns: with the reply,
  /// with errc::deadline_exceeded at `deadline`, or with errc::unavailable as soon as the link is
  /// lost or missing.
  virtual void call(
      const std::string& address,
      peer_request request,
      time_point deadline,
      completion<result<peer_reply>> done
  ) = 0;

  /// The same, and tells `watcher`, which is kept until the request ends, what comes before the
  /// reply. A network that cannot tell sends the request all the same.
  virtual void call_watched(
      const std::string& address,
      peer_request request,
      time_point deadline,
      completion<result<peer_reply>> done,
      // NOLINTNEXTLINE(performance-unnecessary-value-param): a network that tells keeps it
      std::shared_ptr<call_watcher> watcher
  ) {
    static_cast<void>(watcher);
    call(address, std::move(request), deadline, std::move(done));
  }

  /// When anything last came from `address` in answer to what this node sent there; to 10 ms.
  /// time_point{} when there is no link.
  virtual time_point heard(const std::string& address) const {
    static_cast<void>(address);
    return {};
  }

  /// Fails everything pending at `address` with errc::unavailable: a health verdict fell.
  virtual void abandon(const std::string& address) = 0;
};

}  // namespace weir
