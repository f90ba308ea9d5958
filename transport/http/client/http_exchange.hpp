#pragma once

#include "http/http_parser.hpp"
#include "net/net_stream.hpp"

#include <weir/transport/http_client.hpp>

#include <boost/asio/awaitable.hpp>

#include <string>

namespace weir {

/// The request as it goes over the wire; errc::bad_request when a field could not be read back as
/// sent.
result<std::string> write_http_request(const http_client_request& request, const http_url& url);

/// One request and its answer on a connected socket.
class http_exchange {
 public:
  struct limits {
    std::size_t header;
    std::size_t body;
  };

  http_exchange(net_stream& socket, limits most) : socket_(socket), limits_(most) {}

  /// Writes `text` and `body`, reads the whole answer to `method`. Ends early when the socket is
  /// closed.
  asio::awaitable<result<http_client_response>> run(
      const std::string& text, const bytes& body, http_method method
  );

  /// Why the answer is errc::protocol.
  const std::string& refusal() const noexcept { return refusal_; }

  /// A byte of the answer has come.
  bool heard() const noexcept { return heard_; }

  /// The connection can carry another request.
  bool reusable() const noexcept { return reusable_; }

 private:
  error_code refuse(const http_refusal& why);
  asio::awaitable<error_code> read_more();
  asio::awaitable<error_code> read_head();
  asio::awaitable<error_code> read_body(http_method method);
  asio::awaitable<error_code> read_chunks();
  asio::awaitable<error_code> read_length(std::uint64_t length);
  asio::awaitable<error_code> read_to_end();

  net_stream& socket_;
  limits limits_;
  std::string buffer_;  // received and not consumed
  http_response_head head_;
  http_client_response response_;
  std::string refusal_;
  bool heard_ = false;
  bool reusable_ = false;
};

}  // namespace weir
