#include "benchmarks/http_bare_beast.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace weir::bench {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

class session : public std::enable_shared_from_this<session> {
 public:
  session(tcp::socket socket, const std::string& body) : socket_(std::move(socket)), body_(body) {}

  void read() {
    request_ = {};
    http::async_read(
        socket_,
        buffer_,
        request_,
        [self = shared_from_this()](error_code error, std::size_t) {
          if (!error) self->write();
        }
    );
  }

 private:
  void write() {
    response_ = http::response<http::string_body>(http::status::ok, request_.version());
    response_.body() = body_;
    response_.keep_alive(request_.keep_alive());
    response_.prepare_payload();
    http::async_write(
        socket_,
        response_,
        [self = shared_from_this()](error_code error, std::size_t) {
          if (!error) self->read();
        }
    );
  }

  tcp::socket socket_;
  const std::string& body_;
  boost::beast::flat_buffer buffer_;
  http::request<http::empty_body> request_;
  http::response<http::string_body> response_;
};

}  // namespace

class bare_beast::listener : public std::enable_shared_from_this<listener> {
 public:
  listener(asio::io_context& loop, std::string body)
      : acceptor_(loop, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
        body_(std::move(body)) {}

  void accept() {
    acceptor_.async_accept([self = shared_from_this()](error_code error, tcp::socket socket) {
      if (error) return;
      socket.set_option(tcp::no_delay(true));
      std::make_shared<session>(std::move(socket), self->body_)->read();
      self->accept();
    });
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

 private:
  tcp::acceptor acceptor_;
  std::string body_;
};

bare_beast::bare_beast(asio::io_context& loop, std::string body)
    : listener_(std::make_shared<listener>(loop, std::move(body))) {
  listener_->accept();
}

bare_beast::~bare_beast() = default;

std::uint16_t bare_beast::port() const {
  return listener_->port();
}

}  // namespace weir::bench
