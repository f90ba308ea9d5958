#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/peer.hpp>
#include <weir/transport/peer_fault.hpp>
#include <weir/transport/reply_budget.hpp>
#include <weir/transport/tls.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace weir WEIR_API {

class peer_core;

/// Names and values of one remark; values may hold any bytes.
using peer_log_fields = std::vector<std::pair<std::string, std::string>>;

/// Times and limits of the peer link. Those of messages are the same on all nodes of a cluster.
struct peer_link_options {
  /// For name, connection and upgrade together; half of it at most for the handshake of TCP.
  milliseconds connect_timeout{1000};
  /// Until the other node's hello; also for a message that stops half way.
  milliseconds handshake_timeout{5000};
  /// Pause after a loss, doubling to max_redial; less up to 25 %.
  milliseconds first_redial{100};
  milliseconds max_redial{1000};
  /// Data that stays unacknowledged for this long ends a connection (TCP_USER_TIMEOUT).
  milliseconds user_timeout{3000};
  /// A connection on which nothing came for this long, in spite of two pings, is dialled again.
  milliseconds max_silence{2000};
  /// A connection silent for this long gives way to a newer process with the same node id.
  milliseconds silent_is_dead{3000};

  std::size_t max_peers = 1024;       ///< connections of other nodes
  std::size_t max_per_address = 64;   ///< of one IPv4 address or IPv6 /64; loopback is exempt
  std::size_t max_handshakes = 256;   ///< connections without a finished handshake. Here and there
                                      ///< the oldest of them gives way to a new one
  bool count_loopback = false;        ///< apply max_per_address to loopback, too
  std::size_t max_output = 64 << 20;  ///< bytes waiting for one node; then reading stops, and calls
                                      ///< but heartbeats and votes
  std::size_t max_in_service = 1024;  ///< requests being served per connection; then reading stops.
                                      ///< Those that wait for news of a change do not count
  std::uint32_t max_value = max_value_bytes;  ///< bytes of one value

  /// The memory of replies that wait for slow nodes, shared with other doors; null = a budget of
  /// its own. Where it is spent, large replies become errc::overloaded.
  std::shared_ptr<reply_budget> replies = nullptr;

  /// TLS of connections that are accepted and dialled, as for tls_use::peer_server and peer_client:
  /// then a node must have a certificate with its id as a DNS name. Empty = plain text.
  tls_source server_tls = nullptr;
  tls_source client_tls = nullptr;

  /// Remarks: "peer_up", "peer_down", "peer_refused", "peer_protocol_error", "peer_listener".
  /// Called on any event loop; must not block. Empty = none.
  std::function<void(std::string_view event, peer_log_fields fields)> log = nullptr;
};

/// Sums since the network was made.
struct peer_link_counters {
  std::uint64_t messages_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t calls = 0;            ///< requests sent
  std::uint64_t late_replies = 0;     ///< after the caller had its answer
  std::uint64_t unknown_replies = 0;  ///< without a request
  std::uint64_t links_up = 0;
  std::uint64_t peers_accepted = 0;
  std::uint64_t refused = 0;  ///< handshakes, by either side, and connections over a limit
  /// Protocol errors by cause, index = peer_fault.
  std::array<std::uint64_t, peer_fault_count> faults{};
};

/// One node that this one dials.
struct peer_link_state {
  std::string address;
  std::string id;  ///< as the last handshake proved it; empty before the first
  bool up = false;
  std::chrono::microseconds rtt{0};  ///< moving average over pings, 0 = none yet
  std::size_t pending = 0;           ///< requests without a reply

  // How the requests ended, over all connections since the address is dialled.
  std::uint64_t answered = 0;   ///< whatever the answer was
  std::uint64_t timed_out = 0;  ///< no answer by their deadline
  std::uint64_t lost = 0;       ///< with the connection, or given up by a health verdict
};

/// The peer link: framed requests over one TCP connection per peer and direction.
///
/// The node that dials sends requests, the other one answers; two nodes that dial each other have
/// two connections. Connections open with an HTTP/1.1 Upgrade to `weir/1`, so the port may be
/// shared with HTTP. Many calls share one write, and a value of many megabytes lets small messages
/// pass between its chunks.
///
/// Order: construct, listen() if others shall reach this node, start(), connect(). `loops` are run
/// by one thread each and must run until stop() has returned. stop() and the destructor wait for
/// the loops: afterwards the handler is not called any more. See peer_network for the rest of the
/// contract.
class peer_link_network final : public peer_network {
 public:
  peer_link_network(
      environment& env, std::vector<asio::io_context*> loops, peer_link_options options = {}
  );
  ~peer_link_network() override;

  peer_link_network(const peer_link_network&) = delete;
  peer_link_network& operator=(const peer_link_network&) = delete;

  /// Binds "host:port", exclusively; port 0 = any. Returns the address with the port it got.
  /// Peers are let in from start() on. Fails with the system's code, address_in_use for example.
  [[nodiscard]] result<std::string> listen(std::string_view address);

  /// From here on the node is `self` and `handler` serves its requests. Call once. Throws
  /// std::invalid_argument for an identity that every node would refuse: see fault_of().
  void start(identity self, peer_handler& handler);

  /// Closes every connection; pending calls fail with errc::unavailable. Not on an event loop.
  /// Idempotent.
  void stop();

  void connect(const std::string& address) override;
  void disconnect(const std::string& address) override;
  void call(
      const std::string& address,
      peer_request request,
      time_point deadline,
      completion<result<peer_reply>> done
  ) override;
  void call_watched(
      const std::string& address,
      peer_request request,
      time_point deadline,
      completion<result<peer_reply>> done,
      std::shared_ptr<call_watcher> watcher
  ) override;
  time_point heard(const std::string& address) const override;
  void abandon(const std::string& address) override;

  peer_link_counters counters() const;
  std::vector<peer_link_state> links() const;

 private:
  std::shared_ptr<peer_core> core_;
};

}  // namespace weir
