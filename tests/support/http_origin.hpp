#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace weir {

/// An HTTP server on loopback that answers each request with whatever bytes the test wants, then
/// closes.
class http_origin {
 public:
  using handler = std::function<std::string(const std::string& target)>;

  /// As an answer: none, with the connection left open.
  static inline const std::string silence = "(silence)";

  static std::string response(
      const std::string& status, const std::string& body, const std::string& fields = {}
  ) {
    return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           fields + "Connection: close\r\n\r\n" + body;
  }

  static std::string ok(const std::string& body) { return response("200 OK", body); }

  http_origin() {
    boost::asio::co_spawn(io_, accept(), boost::asio::detached);
    thread_ = std::thread([this] { io_.run(); });
  }

  ~http_origin() { stop(); }

  /// Listens no more.
  void stop() {
    io_.stop();
    if (thread_.joinable()) thread_.join();
    boost::system::error_code ignored;
    acceptor_.close(ignored);
  }

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  void handle(handler with) {
    const std::lock_guard lock(mutex_);
    handler_ = std::move(with);
  }

  int requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
  }

  std::string last_head() const {
    const std::lock_guard lock(mutex_);
    return head_;
  }

 private:
  using tcp = boost::asio::ip::tcp;

  boost::asio::awaitable<void> accept() {
    for (;;) {
      auto socket = co_await acceptor_.async_accept(boost::asio::use_awaitable);
      boost::asio::co_spawn(io_, serve(std::move(socket)), boost::asio::detached);
    }
  }

  boost::asio::awaitable<void> serve(tcp::socket socket) {
    boost::system::error_code failed;
    auto token = boost::asio::redirect_error(boost::asio::use_awaitable, failed);
    std::string head;
    auto buffer = boost::asio::dynamic_buffer(head, 64 * 1024);
    co_await boost::asio::async_read_until(socket, buffer, "\r\n\r\n", token);
    if (failed) co_return;
    const auto answer = answer_to(head);
    if (answer == silence) {
      co_await socket.async_wait(tcp::socket::wait_read, token);  // until the client goes
      co_return;
    }
    auto bytes = boost::asio::buffer(answer);
    co_await boost::asio::async_write(socket, bytes, token);
    socket.shutdown(tcp::socket::shutdown_send, failed);
    co_await socket.async_wait(tcp::socket::wait_read, token);
  }

  std::string answer_to(const std::string& head) {
    const auto begin = head.find(' ') + 1;
    const std::lock_guard lock(mutex_);
    ++requests_;
    head_ = head;
    return handler_(head.substr(begin, head.find(' ', begin) - begin));
  }

  boost::asio::io_context io_{1};
  tcp::acceptor acceptor_{io_, {boost::asio::ip::address_v4::loopback(), 0}};
  unsigned short port_ = acceptor_.local_endpoint().port();
  std::thread thread_;
  mutable std::mutex mutex_;  // guards the following
  handler handler_ = [](const std::string&) { return ok("x"); };
  int requests_ = 0;
  std::string head_;
};

}  // namespace weir
