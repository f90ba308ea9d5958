#pragma once

#include "http/client/http_codec.hpp"
#include "net/net_stream.hpp"

#include <boost/asio/awaitable.hpp>

#include <string>

namespace weir {

/// One request and its answer on a connected socket. Ends early when the socket is closed.
class http_exchange {
 public:
  http_exchange(net_stream& socket, http_method asked, http_answer_reader::limits most)
      : socket_(socket), reader_(asked, most) {}

  /// Writes the head `text` and `body`, and reads the head of the answer.
  asio::awaitable<error_code> open(const std::string& text, const bytes& body);

  /// The next piece of the answer's body; empty = it is complete. After open().
  asio::awaitable<result<std::string>> read();

  /// open() and the whole body.
  asio::awaitable<result<http_client_response>> run(const std::string& text, const bytes& body);

  http_client_response& answer() noexcept { return reader_.answer(); }

  /// Why the answer is errc::protocol.
  const std::string& refusal() const noexcept { return reader_.refusal(); }

  /// A byte of the answer has come.
  bool heard() const noexcept { return heard_; }

  /// The connection can carry another request.
  bool reusable() const { return !unsent_ && reader_.leaves_connection(); }

 private:
  asio::awaitable<error_code> read_more();

  net_stream& socket_;
  http_answer_reader reader_;
  error_code unsent_;  // why the request could not be written
  bool heard_ = false;
};

}  // namespace weir
