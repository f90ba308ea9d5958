#pragma once

#include <weir/engine/result.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <ares.h>
#include <chrono>
#include <map>
#include <memory>
#include <string>

namespace weir {

struct ares_loop_options {
  std::chrono::milliseconds query_timeout{1'000};  ///< per server and try
  int tries = 2;                                   ///< rounds over the servers
  std::string servers;  ///< "10.0.0.2,10.0.0.3:5353"; empty = those of the system
};

/// A c-ares channel whose sockets and timer wait on an executor.
///
/// To be used on that executor only, which must run one handler at a time. Waiting handlers share
/// in it, so it is held by a shared_ptr and ended by close().
class ares_loop : public std::enable_shared_from_this<ares_loop> {
 public:
  /// Throws std::invalid_argument for servers it cannot read.
  ares_loop(asio::any_io_executor executor, const ares_loop_options& options);
  ares_loop(const ares_loop&) = delete;
  ares_loop& operator=(const ares_loop&) = delete;
  ~ares_loop();

  /// Ends the questions under way with ARES_EDESTRUCTION; the channel takes no more.
  void close();

  /// For ares_query() and the like, each followed by asked(). Null once closed.
  ares_channel channel() const noexcept { return ares_; }

  /// A question was asked: waits for its time-out too.
  void asked() { arm_timer(); }

 private:
  struct watch;

  static void on_socket_state(void* data, ares_socket_t socket, int readable, int writable);
  void set_watch(ares_socket_t socket, bool read, bool write);
  void wait_on(ares_socket_t socket, const std::shared_ptr<watch>& watched);
  void process(
      ares_socket_t readable, ares_socket_t writable, const std::shared_ptr<watch>& watched
  );
  void arm_timer();

  asio::any_io_executor executor_;
  char lookups_[3] = {'f', 'b', 0};  // hosts file, then DNS
  ares_channel ares_ = nullptr;
  asio::steady_timer timer_;
  std::map<ares_socket_t, std::shared_ptr<watch>> watches_;
};

}  // namespace weir
