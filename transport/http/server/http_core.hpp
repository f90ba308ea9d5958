#pragma once

#include "http/server/http_upgrade.hpp"

#include <weir/transport/http_server.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <functional>
#include <list>
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

  /// A connection waits for reply memory: look at it often.
  void hurry();

  /// The Date field, whole, of the second in which `now` lies; reads the clock once a second.
  std::string_view date(std::chrono::steady_clock::time_point now);

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
  bool hurried_ = false;
  std::string date_;
  std::chrono::steady_clock::time_point date_ends_{};
  std::vector<std::shared_ptr<http_connection>> connections_;
};

/// A connection's place among those admitted; gives it back when it goes. One that has not sent a
/// whole request yet may lose it to another connection, and is closed then.
class http_admission {
 public:
  http_admission(std::shared_ptr<http_core> core, asio::ip::address address)
      : core_(std::move(core)), address_(std::move(address)) {}

  http_admission(const http_admission&) = delete;
  http_admission& operator=(const http_admission&) = delete;
  ~http_admission();

  http_core& core() const noexcept { return *core_; }

  const asio::ip::address& address() const noexcept { return address_; }

  /// Sets the connection that holds the place; before anything else.
  void belongs_to(const std::shared_ptr<http_connection>& connection);

  /// The handshake of TLS is done.
  void greeted();

  /// A whole request came: from here on the place is kept.
  void settle();

 private:
  friend class http_core;

  const std::shared_ptr<http_core> core_;
  const asio::ip::address address_;

  // Guarded by the core's mutex.
  asio::ip::address key_;
  bool is_counted_ = false;  // for its address
  bool is_in_ = false;       // not put out for another
  bool is_new_ = false;      // stands in the core's list
  bool is_greeting_ = false;
  std::list<http_admission*>::iterator place_;
  std::weak_ptr<http_connection> connection_;
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
  std::shared_ptr<reply_budget> replies = std::make_shared<reply_budget>();

  std::atomic<bool> draining{false};
  std::atomic<bool> stopped{false};
  std::atomic<std::uint64_t> next_session{1};
  std::atomic<std::size_t> open{0};
  std::atomic<std::uint64_t> accepted{0}, refused{0}, short_of_memory{0}, requests{0},
      bad_requests{0}, timeouts{0}, accept_pauses{0}, failed_handshakes{0};

  void remark(std::string_view line) const {
    if (log) log(line);
  }

  /// remark(), but not the same line again within 10 s: a client that retries fills no log.
  void remark_seldom(const std::string& line);

  const std::vector<std::shared_ptr<http_loop>>& loops() const noexcept { return loops_; }

  /// A place for one more connection from `address`, if need be that of one which has not sent a
  /// request yet; null when a limit is reached.
  std::unique_ptr<http_admission> admit(const asio::ip::address& address);

  boost::system::result<std::string, listen_error> listen(std::string_view address);
  void stop_accepting();
  void drain(std::chrono::steady_clock::time_point deadline, std::function<void()> done);
  void stop();

 private:
  friend class http_admission;

  void finish_drain();

  // All of these under mutex_.
  void enter(http_admission& one, const asio::ip::address& key, bool counted);
  void leave(http_admission& one);
  void settle(http_admission& one);
  using victims = std::vector<std::shared_ptr<http_connection>>;  // let go without mutex_
  template <class Which>
  bool put_out_oldest(Which which, victims& out);

  std::vector<std::shared_ptr<http_loop>> loops_;
  std::mutex mutex_;
  std::map<asio::ip::address, std::size_t> per_address_;  // by client_key()
  std::list<http_admission*> newcomers_;                  // without a whole request, oldest first
  std::size_t greeting_ = 0;                              // of these, in their handshake
  std::vector<std::shared_ptr<http_acceptor>> acceptors_;
  std::function<void()> drained_;
  std::map<std::string, std::chrono::steady_clock::time_point> remarked_;
};

}  // namespace weir
