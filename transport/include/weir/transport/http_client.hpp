#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/data_source.hpp>
#include <weir/engine/result.hpp>
#include <weir/transport/host_port.hpp>
#include <weir/transport/http_message.hpp>
#include <weir/transport/tls.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace weir WEIR_API {

class http_pool;

struct http_client_options {
  std::chrono::milliseconds connect_timeout{1'000};  ///< per address of the host, TLS included
  /// When an address has not answered for this long, the next one is tried beside it.
  std::chrono::milliseconds next_address_after{250};
  std::chrono::milliseconds idle_timeout{30'000};  ///< a kept connection is closed after this
  /// A connection is used no longer than this, so that a host that moves is followed.
  std::chrono::milliseconds connection_age{60'000};
  std::size_t max_response = 67'108'864;  ///< bytes of a response body
  std::size_t max_header = 65'536;        ///< bytes of a response head of 128 fields
  std::size_t max_per_host = 64;          ///< requests at once per host, port and loop; more wait
  std::string dns_servers;                ///< as resolver_options::servers
  tls_context tls = nullptr;  ///< of https, for tls_use::client; null = the system's authorities
};

/// One request; `url` is "http://host[:port]/path?query" or "https://...", percent-encoded.
struct http_client_request {
  http_method method = http_method::get;
  std::string url;
  std::vector<std::pair<std::string, std::string>> fields;  ///< values of up to 65,000 bytes
  bytes body;
  /// The latest time for an outcome: waiting, resolving, connecting, writing and reading together.
  std::chrono::steady_clock::time_point deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(5);
  std::size_t max_response = SIZE_MAX;              ///< the smaller of this and the client's holds
  tls_context tls = nullptr;                        ///< of https; null = the client's
  std::shared_ptr<source_remark> remark = nullptr;  ///< hears why an answer is errc::protocol
};

struct http_client_response {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> fields;
  std::string body;  ///< chunked coding removed

  /// The value of the first field of that name; nullopt when there is none.
  std::optional<std::string_view> header(std::string_view name) const noexcept;
};

/// An http URL taken apart.
struct http_url {
  host_port server;
  std::string target = "/";  ///< path and query
  bool is_https = false;
};

/// Reads "http://host[:port][/path][?query]", https too. Fails with errc::bad_request on another
/// scheme, user information, a fragment, or a character that must be percent-encoded.
[[nodiscard]] result<http_url> parse_http_url(std::string_view text);

/// An HTTP/1.1 client with kept connections, one pool per loop.
///
/// Thread-safe. A request that is made on one of the loops stays there. Redirects are not followed,
/// statuses are not judged: a 500 is an answer, not an error.
class http_client {
 public:
  /// `loops`: at least one, each run by at most one thread; they must outlive the client's
  /// requests.
  explicit http_client(
      std::vector<asio::io_context*> loops, const http_client_options& options = {}
  );
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;
  /// Closes kept connections; requests under way go on to their end.
  ~http_client();

  /// Sends one request and reads the whole answer.
  ///
  /// Fails with errc::deadline_exceeded, errc::too_large (the body is over max_response),
  /// errc::bad_request (the request cannot be written as HTTP), errc::protocol (the answer is not
  /// HTTP), or what the network said: connection_refused, timed_out (connect_timeout),
  /// host_not_found, eof (the answer was cut off), a tls_fault (the certificate is not
  /// that of the host), ... When a kept connection turns out closed before any byte of the answer,
  /// a GET or HEAD is sent once more on a new one. When one stays silent until the deadline, those
  /// of its host that have been idle since before are closed, so that a host that is gone costs one
  /// time-out.
  [[nodiscard]] asio::awaitable<result<http_client_response>> async_request(
      http_client_request request
  );

 private:
  std::vector<asio::io_context*> loops_;
  std::vector<std::shared_ptr<http_pool>> pools_;
};

/// One request on a loop of its own; blocks until the outcome. For the command line and tests.
[[nodiscard]] result<http_client_response> http_fetch(
    http_client_request request, const http_client_options& options = {}
);

}  // namespace weir
