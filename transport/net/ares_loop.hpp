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
#include <vector>

namespace weir {

struct ares_loop_options {
  std::chrono::milliseconds query_timeout{1'000};  ///< per server and try
  int tries = 2;                                   ///< rounds over the servers
  std::string servers;  ///< "10.0.0.2,10.0.0.3:5353"; empty = those of the system
};

/// A c-ares channel, which searches no domains by itself, whose sockets and timer wait on an
/// executor.
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

  /// The names to ask for in turn, as the system's resolver does (resolv.conf(5), search and
  /// ndots), each absolute: the search goes on after an answer without records and after a server
  /// that fails alike, and ends at the first answer. A name that ends with a dot is the only one.
  std::vector<std::string> names_for(const std::string& name) const;

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
  void read_search_list();

  asio::any_io_executor executor_;
  char lookups_[2] = {'b', 0};  // DNS; a caller that wants the hosts file reads it first
  ares_channel ares_ = nullptr;
  std::vector<std::string> domains_;
  std::size_t dots_to_be_whole_ = 1;
  asio::steady_timer timer_;
  std::map<ares_socket_t, std::shared_ptr<watch>> watches_;
};

}  // namespace weir
