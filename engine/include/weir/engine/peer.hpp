#pragma once

#include <weir/engine/entry.hpp>
#include <weir/engine/environment.hpp>
#include <weir/engine/explain.hpp>
#include <weir/engine/options.hpp>
#include <weir/engine/result.hpp>
#include <weir/engine/view.hpp>

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace weir {

/// Who a node says it is when two nodes meet. Proven by the handshake, never by discovery.
struct identity {
  std::string cluster;
  std::string id;                 ///< stable over restarts; the ring hashes it
  std::uint64_t incarnation = 0;  ///< random per start
  std::uint32_t weight = 1;
  std::string address;  ///< host:port that others dial
};

inline constexpr std::uint16_t peer_protocol_version = 1;

/// As what the asked node serves a request. It never forwards it again.
enum class serve_as : std::uint8_t { owner, gutter };

/// What the asked node does for one key: serve or load it, invalidate and load it, or only tell its version.
enum class get_mode : std::uint8_t { cached, fresh, observe };

/// "The value of one key, please."
struct get_request {
  std::string keyspace;
  std::string key;
  serve_as role = serve_as::owner;
  get_mode mode = get_mode::cached;
  bool explain = false;
};

struct get_reply {
  lookup answer;     ///< valid without error
  error_code error;  ///< an errc, or none
  std::vector<explain_step> steps;
  std::vector<member> view;  ///< with errc::not_owner: whom the asked node takes for members
};

/// "The values of these keys", all owned by the asked node.
struct get_many_request {
  std::string keyspace;
  std::vector<std::string> keys;
  serve_as role = serve_as::owner;
};

struct get_many_reply {
  std::vector<get_reply> answers;  ///< one per key, in their order
};

enum class change_kind : std::uint8_t { put, remove, invalidate, clear };

/// "Change this key." To the owner it is an order, to the gutter a record that drops what it has.
struct change_request {
  std::string keyspace;
  change_kind kind = change_kind::invalidate;
  std::string key;  ///< empty for clear
  bytes value;      ///< for put
  std::optional<milliseconds> ttl;
  precondition condition;
  serve_as role = serve_as::owner;
};

struct change_reply {
  weir::version version;
  error_code error;
  std::vector<member> view;  ///< with errc::not_owner
};

/// The direct probe; replies carry the view when the digests differ.
struct ping_request {};
struct ping_reply {
  std::vector<member> view;
};

/// "I am going; take me off your ring."
struct leave_request {};
struct leave_reply {};

using request_body =
    std::variant<get_request, get_many_request, change_request, ping_request, leave_request>;
using reply_body = std::variant<get_reply, get_many_reply, change_reply, ping_reply, leave_reply>;

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
  refused,   ///< nobody listens there
  reset,     ///< the connection broke
  timeout,   ///< no connection or handshake in time
  rejected,  ///< another cluster, a doubled id, another protocol: see the log
};

/// What the engine does for the network: it serves requests and learns of links.
///
/// Called on any event loop. `reply` may be called before serve() returns.
class peer_handler {
 public:
  virtual ~peer_handler() = default;

  /// Answers without waiting if it can: the path of a hit. False = nothing done, call serve().
  virtual bool try_serve(const peer_request& request, peer_reply& reply) = 0;

  /// Serves one request of the member `from`; `reply` is called exactly once.
  virtual void serve(identity from, peer_request request, completion<peer_reply> reply) = 0;

  /// A handshake with the node at `address` that this node dialled succeeded.
  virtual void on_link_up(const std::string& address, const identity& peer) = 0;

  /// The link to `address` is gone or could not be made. `connect`ed addresses are dialled again by the network.
  virtual void on_link_down(const std::string& address, link_loss cause) = 0;

  /// A node that was not dialled introduced itself; it is a candidate at `peer.address`.
  virtual void on_peer_seen(const identity& peer) = 0;
};

/// The engine's way to other nodes: the peer link in the product, a seeded model in the simulator.
///
/// Thread-safe. At most one link per address; requests to an address without a link fail at once.
class peer_network {
 public:
  virtual ~peer_network() = default;

  /// Dials `address` now and again after each loss until disconnect(); every result goes to the handler.
  virtual void connect(const std::string& address) = 0;

  /// Ends the link and stops dialling. What is pending there fails with errc::unavailable.
  virtual void disconnect(const std::string& address) = 0;

  /// Sends one request. `done` is called exactly once, never before call() returns: with the reply, with
  /// errc::deadline_exceeded at `deadline`, or with errc::unavailable as soon as the link is lost or missing.
  virtual void call(
      const std::string& address, peer_request request, time_point deadline,
      completion<result<peer_reply>> done
  ) = 0;

  /// Fails everything pending at `address` with errc::unavailable: a health verdict fell.
  virtual void abandon(const std::string& address) = 0;
};

}  // namespace weir
