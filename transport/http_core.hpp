#pragma once

#include "http_upgrade.hpp"

#include <weir/transport/http_server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace weir {

class http_acceptor;
class http_connection;
class http_core;

/// One loop of a server and the connections that live on it. Used by the thread of the loop only.
class http_loop : public std::enable_shared_from_this<http_loop> {
 public:
  http_loop(asio::io_context& context, http_core& core);

  asio::io_context& context() noexcept { return context_; }

  void add(const std::shared_ptr<http_connection>& connection);
  void remove(http_connection& connection);

  /// Tells every connection that the server drains; closes what is left at `deadline`.
  void drain(std::chrono::steady_clock::time_point deadline);

  /// Closes every connection for good. Afterwards nothing here belongs to the io_context any more.
  void retire();

 private:
  void sweep_later();
  void sweep();
  void close_all();

  asio::io_context& context_;
  std::unique_ptr<asio::steady_timer> timer_;  // null once retired
  std::chrono::milliseconds sweep_every_;
  std::chrono::steady_clock::time_point drain_deadline_ =
      std::chrono::steady_clock::time_point::max();
  bool sweeping_ = false;
  std::vector<std::shared_ptr<http_connection>> connections_;
};

/// A connection's place among those admitted; gives it back when it goes.
class http_admission {
 public:
  http_admission(std::shared_ptr<http_core> core, asio::ip::address address, bool counted)
      : core_(std::move(core)), address_(std::move(address)), counted_(counted) {}

  http_admission(http_admission&&) = default;
  http_admission& operator=(http_admission&&) = delete;
  ~http_admission();

  http_core& core() const noexcept { return *core_; }

  const asio::ip::address& address() const noexcept { return address_; }

 private:
  std::shared_ptr<http_core> core_;
  asio::ip::address address_;
  bool counted_;
};

/// What the parts of one server share. Outlives the http_server while a connection lives.
class http_core : public std::enable_shared_from_this<http_core> {
 public:
  http_core(const std::vector<asio::io_context*>& loops, http_limits limits, http_handler& handler);
  ~http_core();

  const http_limits limits;
  http_handler& handler;
  std::function<void(std::string_view)> log;
  std::string upgrade_protocol;
  http_upgrade_handler upgrade;
  tls_source tls;  // empty = plain

  std::atomic<bool> draining{false};
  std::atomic<bool> stopped{false};
  std::atomic<std::uint64_t> next_session{1};
  std::atomic<std::size_t> open{0}, handshakes{0};
  std::atomic<std::uint64_t> accepted{0}, refused{0}, requests{0}, bad_requests{0}, timeouts{0},
      accept_pauses{0}, failed_handshakes{0};

  void remark(std::string_view line) const {
    if (log) log(line);
  }

  /// remark(), but not the same line again within 10 s: a client that retries fills no log.
  void remark_seldom(const std::string& line);

  const std::vector<std::shared_ptr<http_loop>>& loops() const noexcept { return loops_; }

  /// A place for one more connection from `address`, or null when a limit is reached.
  std::unique_ptr<http_admission> admit(const asio::ip::address& address);
  void release(const asio::ip::address& address, bool counted);

  boost::system::result<std::string, listen_error> listen(std::string_view address);
  void stop_accepting();
  void drain(std::chrono::steady_clock::time_point deadline, std::function<void()> done);
  void stop();

 private:
  void finish_drain();

  std::vector<std::shared_ptr<http_loop>> loops_;
  std::mutex mutex_;
  std::map<asio::ip::address, std::size_t> per_address_;
  std::vector<std::shared_ptr<http_acceptor>> acceptors_;
  std::function<void()> drained_;
  std::map<std::string, std::chrono::steady_clock::time_point> remarked_;
};

}  // namespace weir
