#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/result.hpp>
#include <weir/transport/http_message.hpp>
#include <weir/transport/reply_budget.hpp>
#include <weir/transport/tls.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace weir WEIR_API {

class http_core;

/// Limits and times of the server. What is over a limit is refused before anything is allocated for
/// it. Where connections are over a limit, the oldest that has not sent a whole request yet is
/// closed first: of that address, of all, or, for max_handshakes, of those in their handshake.
struct http_limits {
  std::size_t max_target = 8'192;       ///< bytes of path and query; beyond: 414
  std::size_t max_header = 8'192;       ///< bytes of all field lines; beyond: 431
  std::size_t max_fields = 64;          ///< field lines, at most 64; beyond: 431
  std::uint64_t max_body = 67'108'864;  ///< bytes of a request body, 64 MiB; beyond: 413, not read
  std::size_t max_requests = 1000;      ///< per connection, then `Connection: close`; 0 = no limit
  /// In all, at most half the descriptor limit; beyond: 503 and close.
  std::size_t max_connections = 10'000;
  std::size_t max_per_address = 256;  ///< of one IPv4 address or IPv6 /64; beyond: 503 and close
  std::size_t max_handshakes = 1024;  ///< of TLS at once
  std::size_t max_unread = 65'536;    ///< bytes of small replies waiting before reading pauses
  std::size_t min_rate = 1024;  ///< bytes per second of a body or reply once `rate_grace` is over
  bool count_loopback = false;  ///< apply max_per_address to loopback clients too

  // While answers that wait for slow readers take all of their memory (reply_budget):
  std::size_t pressed_rate = 65'536;  ///< bytes per second that a reader must take, or be cut off
  std::chrono::milliseconds pressed_grace{2'000};  ///< before that applies, or without a byte
  std::chrono::milliseconds reply_wait{3'000};     ///< of a large answer for memory; then 503

  /// From connect or first byte to the empty line.
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds handshake_timeout{5'000};  ///< of TLS
  std::chrono::milliseconds idle_timeout{60'000};      ///< between two requests
  std::chrono::milliseconds body_timeout{30'000};      ///< without a byte of the body
  std::chrono::milliseconds write_timeout{30'000};     ///< without the client taking a byte
  std::chrono::milliseconds rate_grace{30'000};        ///< before min_rate applies
  std::chrono::milliseconds linger{2'000};  ///< for the client to read the last answer and close
  std::chrono::milliseconds default_timeout{5'000};  ///< of a request without `Weir-Timeout`
  std::chrono::milliseconds max_timeout{300'000};    ///< a longer `Weir-Timeout` is cut to this
};

/// Answers requests. Called on the loops of the server, on several at once: synchronise.
/// An exception becomes a 500 answer (bad_alloc a 503).
class http_handler {
 public:
  virtual ~http_handler() = default;

  /// The fast path, for what can be answered at once: fill `response` (empty, 200) and return true.
  /// False leaves the request to handle(). Must not block. The server allocates nothing for it.
  virtual bool try_handle(const http_request& request, http_response& response) = 0;

  /// Everything else. `request` stays valid until the awaitable is done. Requests behind it on the
  /// same connection wait, so that answers keep their order. Must end by `request.deadline`.
  virtual asio::awaitable<http_response> handle(const http_request& request) = 0;

  /// Whether the answer may be large, so that the request waits while memory for answers is short.
  /// Asked when try_handle() returned false.
  virtual bool may_be_large(const http_request& request) const;

  /// The most bytes of body this request may have; the smaller of this and max_body holds. Called
  /// when the head is complete, before the body is read; `request.body` is still empty.
  virtual std::uint64_t body_limit(const http_request& request) const;
};

/// Why listen() failed: the code for programs, the text for people ("cannot listen on ...").
struct listen_error {
  error_code code;
  std::string text;
};

/// Lets result<T, listen_error>::value() throw system_error with the text.
[[noreturn]] void throw_exception_from_error(
    const listen_error& error, const boost::source_location& where
);

/// A snapshot of what the server did since it was made.
struct http_server_stats {
  std::size_t connections = 0;  ///< open now
  std::uint64_t accepted_total = 0;
  std::uint64_t refused_total = 0;  ///< connections over a limit, refused or closed for another
  std::uint64_t short_of_memory_total = 0;  ///< answers refused, and slow readers cut off, for want
                                            ///< of reply memory
  std::uint64_t requests_total = 0;         ///< answered by the handler
  /// Answered 4xx or 5xx by the server itself, or closed as another protocol.
  std::uint64_t bad_requests_total = 0;
  std::uint64_t timeouts_total = 0;           ///< connections closed for being slow
  std::uint64_t accept_pauses_total = 0;      ///< no descriptors left
  std::uint64_t failed_handshakes_total = 0;  ///< connections that did not get through TLS
};

/// An HTTP/1.1 server on loops it does not own.
///
/// Each connection lives on one loop. Pipelined requests are answered in order, those that arrived
/// together with one write. All members may be called from any thread. `handler` must outlive the
/// last run of every loop; the server object may go earlier, which stops it.
class http_server {
 public:
  /// `loops`: at least one, each run by at most one thread.
  http_server(
      const std::vector<asio::io_context*>& loops, http_limits limits, http_handler& handler
  );
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;
  ~http_server();

  /// Sets where one-line remarks go (another protocol spoken, descriptors used up). Before
  /// listen().
  void on_log(std::function<void(std::string_view)> log);

  /// Makes the server share the memory of waiting answers with other doors; without it, it has a
  /// budget of its own. Before listen().
  void share_replies(std::shared_ptr<reply_budget> budget);

  /// Makes every connection from now on speak TLS, with the context that `contexts` gives for it; a
  /// null one leaves it plain. Before listen().
  void use_tls(tls_source contexts);

  /// Listens on "127.0.0.1:7421", "[::1]:0", "localhost:80" or ":7420" (all addresses) and returns
  /// the address it got. The port is exclusive: with a second listener of this or another process
  /// it fails with address_in_use. May be called again for another address.
  [[nodiscard]] boost::system::result<std::string, listen_error> listen(std::string_view address);

  /// Takes no new connections; those that wait unaccepted are reset.
  void stop_accepting();

  /// stop_accepting(), and every answer from now on is the last of its connection and says so. Idle
  /// connections are closed. `done` runs once on a loop when none is left, or at `deadline`, when
  /// the rest are cut. Call once.
  void drain(std::chrono::steady_clock::time_point deadline, std::function<void()> done);

  /// Closes everything now. Answers still being made are dropped. Idempotent.
  void stop();

  http_server_stats stats() const;

 private:
  friend http_core& core_of(http_server& server) noexcept;

  std::shared_ptr<http_core> core_;
};

}  // namespace weir
