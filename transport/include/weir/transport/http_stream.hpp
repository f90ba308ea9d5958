#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/result.hpp>
#include <weir/transport/host_port.hpp>
#include <weir/transport/tls.hpp>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir WEIR_API {

/// One GET on a connection of its own.
struct http_stream_request {
  host_port server;          ///< a name or a literal address
  std::string target = "/";  ///< path and query, percent-encoded
  std::vector<std::pair<std::string, std::string>> fields = {};
  tls_context tls = {};  ///< made by make_tls_client(); null = plain text
};

struct http_stream_head {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> fields;

  /// The value of the first field of that name; nullopt when there is none.
  std::optional<std::string_view> header(std::string_view name) const noexcept;
};

/// An HTTP/1.1 GET whose answer is read piece by piece, for answers that go on for minutes.
///
/// With TLS the certificate must be for the host or address of the request. Not thread-safe:
/// everything on the executor's thread, of which there may be only one. One operation at a time,
/// but for close().
class http_stream {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit http_stream(asio::any_io_executor executor);
  http_stream(const http_stream&) = delete;
  http_stream& operator=(const http_stream&) = delete;
  ~http_stream();

  /// Connects, sends the request and reads the head of the answer. At most once.
  ///
  /// Fails with errc::deadline_exceeded, errc::bad_request (the request cannot be written),
  /// errc::protocol (the answer is not HTTP), or what the network said: connection_refused, eof, a
  /// tls_fault (the server is not who it should be, or does not speak TLS), ...
  [[nodiscard]] asio::awaitable<result<http_stream_head>> async_open(
      http_stream_request request, time_point deadline
  );

  /// The next bytes of the body, at most 64 KiB, as they come; empty = the body is complete.
  ///
  /// Fails with errc::deadline_exceeded, errc::protocol, or what the network said: eof when the
  /// body was cut off, ... After a failure the stream is closed.
  [[nodiscard]] asio::awaitable<result<std::string>> async_read(time_point deadline);

  /// Ends what is under way, with asio::error::operation_aborted. Idempotent.
  void close();

 private:
  class connection;
  std::shared_ptr<connection> connection_;
};

}  // namespace weir
