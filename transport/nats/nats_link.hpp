#pragma once

#include "nats/nats_parser.hpp"
#include "net/net_dialler.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace weir {

/// One TCP or TLS connection to a NATS server: what comes, parsed, and a queue of what goes out.
///
/// Held by a shared_ptr; whatever waits on it holds it until close(). To be used on its executor
/// only.
class nats_link : public std::enable_shared_from_this<nats_link> {
 public:
  nats_link(const asio::any_io_executor& executor, dial_options options, nats_limits limits)
      : dialler_(executor, options),
        stream_(asio::ip::tcp::socket(executor)),
        ping_timer_(executor),
        parser_(limits) {}

  /// Connects to the first of the server's addresses that takes it. At most once.
  asio::awaitable<error_code> connect(resolver& names, host_port server);

  /// Switches to TLS with a server whose certificate must have this name. Fails also when something
  /// was sent behind the last line that was read: that is not from the server.
  asio::awaitable<error_code> secure(tls_context context, std::string name);

  /// What comes next; status::need_more stands for a connection that is over.
  asio::awaitable<nats_parser::status> read(nats_input& into);

  /// Sends in order; closes the link when more than 64 KiB wait.
  void write(std::string_view text);

  /// From now on sends a PING in each interval, and closes the link when `most` got no answer.
  void keep_alive(std::chrono::milliseconds interval, int most);

  void ponged() { unanswered_ = 0; }

  void close();

 private:
  void flush();
  void wait_to_ping(std::chrono::milliseconds interval, int most);

  net_dialler dialler_;
  net_stream stream_;
  asio::steady_timer ping_timer_;
  int unanswered_ = 0;
  nats_parser parser_;
  std::array<char, 8'192> buffer_;
  std::string_view rest_;  ///< of buffer_, not parsed yet
  std::string waiting_;    ///< to be sent after sending_
  std::string sending_;
};

}  // namespace weir
