#pragma once

#include "peer/peer_connection.hpp"
#include "peer/remark_limiter.hpp"

#include <weir/transport/peer_link.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>

#include <atomic>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace weir {

class http_server;
class resolver;
class peer_client;
class peer_dialler;
class peer_service;

/// What all connections of one network share. Outlives the network as long as a connection needs
/// it.
class peer_core : public std::enable_shared_from_this<peer_core> {
 public:
  peer_core(environment& env, std::vector<asio::io_context*> loops, peer_link_options options);
  ~peer_core();

  environment& env;
  const std::vector<asio::io_context*> loops;
  const peer_link_options options;
  const frame_limits limits;
  const std::shared_ptr<reply_budget> replies;

  /// Set by start(), before any connection is let in.
  identity self;
  peer_handler* handler = nullptr;

  /// Diallers by address; a connected one is also in the table of routes.
  void connect(const std::string& address);
  void disconnect(const std::string& address);

  std::shared_ptr<peer_client> route(const std::string& address) const;
  void add_route(const std::string& address, std::shared_ptr<peer_client> client);
  void remove_route(const std::string& address, const peer_client* client);

  result<std::string> listen(std::string_view address);
  void start(identity who, peer_handler& to);
  void stop();

  /// Takes over an upgraded connection, or closes it: not started, over a limit. On the socket's
  /// loop.
  void accept(net_stream socket, std::string_view leftover);

  /// Whether `peer` may come up on `connection`; see peer_handshake.hpp. Enters it if so. Of
  /// several processes with one node id the newer one wins only if nothing was heard of the older
  /// for 3 s.
  std::optional<std::string> admit(
      const identity& peer, const std::shared_ptr<peer_connection>& connection
  );

  void add(std::shared_ptr<peer_connection> connection);
  void forget(peer_connection& connection);

  /// The other side of `service` has said who it is.
  void finish_handshake(const peer_service& service);

  bool knows_address(const std::string& address) const;

  /// The host names of one loop; on that loop only.
  resolver& names_on(asio::io_context& loop);

  void log(std::string_view event, peer_log_fields fields) const;

  /// The same for what others can bring about as often as they like: one line per event, place
  /// without its port, peer and reason, and then a count once a minute.
  void log_seldom(std::string_view event, peer_log_fields fields);
  void count(peer_fault fault);

  void count_refusal() noexcept { ++refused_; }

  void count_link_up() noexcept { ++links_up_; }

  void count_unknown_reply() noexcept { ++unknown_replies_; }

  void count_late_reply() noexcept { ++late_replies_; }

  peer_link_counters counters() const;
  std::vector<peer_link_state> links() const;

 private:
  asio::io_context& next_loop();

  /// Under mutex_: closes the oldest connection without a hello, of one client if it is given.
  bool put_out_oldest(const asio::ip::address* client);

  /// Runs `task` on each loop and waits, unless the loop runs no more.
  void run_on_each_loop(const std::function<void(asio::io_context&)>& task);

  mutable std::shared_mutex routes_mutex_;
  std::unordered_map<std::string, std::shared_ptr<peer_client>> routes_;

  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<peer_dialler>> diallers_;
  std::set<std::shared_ptr<peer_connection>> connections_;
  std::map<asio::ip::address, std::size_t> accepted_from_;  // by client_key()
  std::list<peer_service*> greeting_;                       // without a hello, oldest first
  std::size_t accepted_ = 0;

  struct presence {
    std::uint64_t incarnation;
    std::string address;
    std::weak_ptr<peer_connection> connection;
  };

  std::multimap<std::string, presence> present_;  // by node id
  remark_limiter remarks_;
  bool started_ = false;
  bool stopped_ = false;
  std::unique_ptr<http_server> server_;
  std::map<asio::io_context*, std::unique_ptr<resolver>> names_;  // each used on its loop only
  peer_link_counters closed_;                                     // of connections that are gone

  std::atomic<std::size_t> next_loop_{0};
  std::atomic<std::uint64_t> refused_{0}, links_up_{0}, peers_accepted_{0};
  std::atomic<std::uint64_t> unknown_replies_{0}, late_replies_{0};
  std::array<std::atomic<std::uint64_t>, peer_fault_count> faults_{};
};

}  // namespace weir
