#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/environment.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace weir WEIR_API {

/// Why there is no connection to NATS.
enum class nats_trouble : std::uint8_t {
  failed,     ///< no server can be reached, or the connection broke
  refused,    ///< a server said -ERR: a wrong password, a missing permission
  untrusted,  ///< TLS failed, or is wanted and not offered
  malformed,  ///< what answers does not speak NATS
};

struct nats_client_options {
  /// "nats://10.0.0.1:4222" or "tls://nats.example.com:4222", one or more. A server may ask for TLS
  /// itself; tls:// never goes on without it.
  std::vector<std::string> servers;
  std::string subject;  ///< subscribed to and published on; see is_nats_subject()
  std::string user = {};
  std::string password = {};
  std::string token = {};
  std::string ca = {};    ///< PEM file, read at each connection; empty = the system's authorities
  std::string name = {};  ///< of this client, for the server's own lists
  std::size_t max_message = 1'024;                   ///< longer ones are ignored and counted
  std::chrono::milliseconds connect_timeout{2'000};  ///< of one server, handshakes included
  std::chrono::milliseconds ping_interval{5'000};
  int most_unanswered = 2;  ///< pings; one more is not sent, the connection is over
  std::chrono::milliseconds first_pause{100};  ///< before a new round over all servers; doubles
  std::chrono::milliseconds max_pause{2'000};
};

/// Whether `text` can be subscribed to and published on: 1 to 128 of A-Z a-z 0-9 _ - in words that
/// single dots part.
bool is_nats_subject(std::string_view text) noexcept;

/// Throws std::invalid_argument for servers, a subject or a CA file that cannot be used.
void check_nats_client(const nats_client_options& options);

/// A connection to one of several NATS servers, kept up: one subject, in and out, without threads.
///
/// Core NATS without headers: what is published while there is no connection is lost. Servers are
/// tried in a random order, and those that a server names as members of its cluster after them;
/// when all failed, after a pause with jitter again. To be used on the executor only, which must
/// run one handler at a time (a loop with one thread, or a strand).
class nats_client {
 public:
  /// Called on the executor, never from inside a call of the client's.
  struct handlers {
    std::function<void()> up = {};                       ///< connected and subscribed
    std::function<void()> down = {};                     ///< after up()
    std::function<void(nats_trouble)> failed = {};       ///< a round over all servers failed
    std::function<void(std::string_view)> message = {};  ///< a payload on the subject
    std::function<void(nats_trouble)> ended = {};  ///< each connection that ended, or did not begin
    std::function<void()> too_large = {};          ///< a message was ignored
  };

  /// `options` are such that check_nats_client() throws nothing. `env` outlives all handlers of the
  /// executor.
  nats_client(
      asio::any_io_executor executor, environment& env, nats_client_options options, handlers call
  );
  nats_client(const nats_client&) = delete;
  nats_client& operator=(const nats_client&) = delete;
  ~nats_client();

  /// Begins to connect.
  void start();

  /// Sends `payload`; receivers ignore payloads over their max_message. Does nothing while not
  /// connected. A server that does not read is left when 64 KiB wait.
  void publish(std::string_view payload);

  /// Closes the connection for good; no handler is called afterwards.
  void close();

 private:
  class core;
  const std::shared_ptr<core> core_;
};

}  // namespace weir
