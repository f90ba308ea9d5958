#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace weir::test {

namespace asio = boost::asio;

/// An answer as far as the tests look at it.
struct http_answer {
  int status = 0;  ///< 0 = none came
  bool is_connected = false;
  std::string head;
  std::string body;
  std::chrono::steady_clock::duration took{0};

  /// The value of a header field as the product writes it; empty if absent.
  std::string field(std::string_view name) const;
};

/// One keep-alive connection to a node; one request at a time.
class http_line {
 public:
  /// `source`: the address it dials from; empty = the system's choice.
  http_line(asio::io_context& loop, const std::string& address, const std::string& source = {});

  /// Sends a request and reads its answer, dialling first where there is no connection.
  /// Gives up, and closes, at `limit`.
  asio::awaitable<http_answer> exchange(
      std::string request, std::chrono::steady_clock::time_point limit
  );

  /// False too when the node has closed it meanwhile.
  bool is_open() const;

 private:
  asio::awaitable<bool> talk(const std::string& request, http_answer& answer);

  asio::ip::tcp::endpoint to_;
  asio::ip::tcp::endpoint from_;
  asio::ip::tcp::socket socket_;
  asio::steady_timer limit_;
  std::string buffer_;
};

/// The text of a request: "PURGE", "/v1/things/k1", lines of header fields, a body.
std::string http_text(
    std::string_view method,
    std::string_view target,
    std::string_view fields = {},
    std::string_view body = {}
);

/// One request on a connection of its own, on this thread.
http_answer http_call(
    const std::string& address, std::string request, std::chrono::milliseconds limit
);

}  // namespace weir::test
