#pragma once

#include "http/client/silent_hosts.hpp"
#include "net/net_stream.hpp"

#include <weir/transport/http_client.hpp>
#include <weir/transport/resolver.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <map>
#include <memory>
#include <string>

namespace weir {

/// The connections of an http_client on one loop. Used by the thread of the loop only.
class http_pool : public std::enable_shared_from_this<http_pool> {
 public:
  /// `silent` is shared by the pools of a client.
  http_pool(
      asio::io_context& loop, http_client_options options, std::shared_ptr<silent_hosts> silent
  );

  asio::io_context& loop() noexcept { return loop_; }

  /// `self` keeps the pool alive until the outcome.
  static asio::awaitable<result<http_client_response>> request(
      std::shared_ptr<http_pool> self, http_client_request request
  );

  /// Closes kept connections and keeps none from now on.
  void close();

 private:
  using clock = std::chrono::steady_clock;
  using tcp = asio::ip::tcp;

  struct kept {
    net_stream socket;
    clock::time_point since;  // idle
    clock::time_point made;
  };

  struct host {
    std::deque<kept> idle;  // the most recently used at the back
    std::size_t busy = 0;
    std::deque<std::shared_ptr<asio::steady_timer>> waiting;
  };
  /// One of the `max_per_host` places; passes it to the longest waiting request when it goes.
  class place;

  asio::awaitable<error_code> wait_for_place(std::string name, clock::time_point deadline);
  void give_place(const std::string& name);
  asio::awaitable<result<net_stream>> connect(
      const http_url& url, const tls_context& tls, clock::time_point deadline
  );
  /// The context of an https request: its own, the client's, or one of the system's authorities.
  result<tls_context> context_for(const http_client_request& request);
  asio::awaitable<result<http_client_response>> try_once(
      kept& used,
      const http_client_request& request,
      const std::string& name,
      const std::string& text,
      bool& heard
  );
  bool is_usable(const kept& idle, clock::time_point now, clock::time_point silent_since)
      const noexcept;
  bool take_idle(const std::string& name, kept& into);
  void keep(const std::string& name, kept used);
  void sweep_later();

  asio::io_context& loop_;
  http_client_options options_;
  const std::shared_ptr<silent_hosts> silent_;
  resolver resolver_;
  asio::steady_timer sweep_;
  bool sweeping_ = false;
  bool closed_ = false;
  std::map<std::string, host> hosts_;
};

}  // namespace weir
