#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/result.hpp>
#include <weir/transport/host_port.hpp>
#include <weir/transport/resp_commands.hpp>
#include <weir/transport/resp_parser.hpp>
#include <weir/transport/tls.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace weir WEIR_API {

struct resp_connection_options {
  host_port server;
  bool is_secure = false;           ///< TLS, and the server must prove its name
  tls_context tls = nullptr;        ///< of tls_use::client; null = made of `ca`
  std::string ca = {};              ///< PEM file, read at each connection; empty = the system's
  resp_commands greeting = {};      ///< sent first; an error among the answers is the end
  resp_limits limits = {};          ///< of answers
  std::size_t max_waiting = 4'096;  ///< calls that wait to be sent
  std::chrono::milliseconds connect{5'000};  ///< for all of look-up, TCP, TLS and greeting
  /// Hears what comes without being asked, on the connection's executor.
  std::function<void(const resp_value&)> pushed = {};
  std::function<void()> ended = {};  ///< once, there too, when it is over
};

/// Why a call came to nothing.
struct resp_fault {
  enum class kind : std::uint8_t {
    unreachable,  ///< no connection could be made
    refused,      ///< the server answered the greeting with an error, which is the text
    lost,         ///< the connection ended
    late,         ///< the deadline passed
    crowded,      ///< too many calls wait
  };

  kind what = kind::lost;
  std::string text = {};
  bool was_sent = false;  ///< some of it may have reached the server
};

/// What became of a call: one answer per command unless there is a fault.
struct resp_outcome {
  std::vector<resp_value> answers = {};
  std::optional<resp_fault> fault = std::nullopt;
};

/// One connection to a server that speaks RESP, shared by many calls at once: they are sent in
/// their order, without waiting for each other, and answered in that order.
///
/// An answer that comes after its call has ended is dropped in its turn, and never taken for
/// another's. When a call ends at its deadline and nothing at all came since it was sent, the
/// connection is given up, with an error to the others. Nothing is ever sent twice.
///
/// Bound to one executor, which runs one handler at a time; it lives there until it is over, and may
/// be called from any other. What may outlive that executor keeps a weak_ptr to it, also while it
/// waits on another loop.
class resp_connection {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  /// Begins to connect.
  static std::shared_ptr<resp_connection> open(
      const asio::any_io_executor& executor, resp_connection_options options
  );

  resp_connection(const resp_connection&) = delete;
  resp_connection& operator=(const resp_connection&) = delete;
  virtual ~resp_connection() = default;

  /// Sends the commands together and waits for their answers; errors of the server are answers. A
  /// call may begin before the connection is made. One that is gone is resp_fault::kind::lost.
  static asio::awaitable<resp_outcome> async_call(
      std::weak_ptr<resp_connection> to,
      std::shared_ptr<const resp_commands> commands,
      time_point deadline
  );

  /// Ends it for whoever waits, soon. From any thread.
  virtual void close() = 0;

  /// Whether it is of no more use. From any thread.
  virtual bool is_over() const noexcept = 0;

  /// Whether the greeting was answered. From any thread.
  virtual bool is_greeted() const noexcept = 0;

  virtual const asio::any_io_executor& executor() const noexcept = 0;

 protected:
  resp_connection() = default;
};

}  // namespace weir
