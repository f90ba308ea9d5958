#pragma once

#include "tests/support/waiting.hpp"

#include <weir/transport/http_server.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace weir::test {

/// Event loops with a thread each, for as long as the object lives.
class loop_threads {
 public:
  explicit loop_threads(std::size_t count = 1);

  ~loop_threads() { stop(); }

  std::vector<asio::io_context*> loops() const;

  asio::io_context& front() { return *contexts_.front(); }

  void stop();

 private:
  std::vector<std::unique_ptr<asio::io_context>> contexts_;
  std::vector<asio::executor_work_guard<asio::io_context::executor_type>> guards_;
  std::vector<std::thread> threads_;
};

/// What a client read: the answer taken apart, or empty where the connection ended first.
struct answer {
  unsigned status = 0;
  std::string head;
  std::string body;

  bool says(std::string_view field) const;  ///< "Connection: close" stands in the head
};

/// A client that sends exactly the bytes it is told. Blocking; reads give up after 10 s.
class raw_client {
 public:
  explicit raw_client(const std::string& address, int receive_buffer = 0);

  /// Has its descriptor already; connect() follows.
  static raw_client unconnected() { return raw_client(); }

  void connect(const std::string& address);

  raw_client(raw_client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}

  ~raw_client();

  raw_client& send(std::string_view text);
  /// Sends until the other side takes no more; the bytes it took.
  std::size_t send_until_blocked(std::string_view text, std::size_t repetitions);
  void half_close();
  void reset();

  /// The next answer; `head_only` for answers to HEAD.
  answer receive(bool head_only = false);
  /// Everything until the other side closes; "" at once when it already has.
  std::string receive_all();
  std::string receive_bytes(std::size_t count);
  /// A chunked body, taken together.
  std::string receive_chunks();
  /// Waits until there is something to read, or the end.
  bool has_news_within(std::chrono::milliseconds time);
  /// True when the other side has closed (or reset) and nothing is left to read.
  bool is_closed();

 private:
  raw_client();
  bool fill();

  int fd_ = -1;
  std::string buffer_;
};

/// A handler made of two functions.
class handler_stub : public http_handler {
 public:
  std::function<bool(const http_request&, http_response&)> fast = [](auto&, auto&) {
    return false;
  };
  std::function<asio::awaitable<http_response>(const http_request&)> slow;
  std::uint64_t body_cap = UINT64_MAX;

  bool try_handle(const http_request& request, http_response& response) override {
    return fast(request, response);
  }

  asio::awaitable<http_response> handle(const http_request& request) override {
    return slow(request);
  }

  std::uint64_t body_limit(const http_request&) const override { return body_cap; }
};

/// A server on an ephemeral loopback port. Its handler echoes: method, path, query and body.
class server_fixture : public ::testing::Test {
 protected:
  void serve(http_limits limits = {}, std::size_t loop_count = 1);

  raw_client connect(int receive_buffer = 0) { return raw_client(address_, receive_buffer); }

  /// One request on a connection of its own.
  answer ask(std::string_view request);
  /// Waits for a remark that contains `text`.
  bool remarked(std::string_view text);
  void TearDown() override;

  handler_stub handler_;
  std::string address_;
  std::unique_ptr<loop_threads> threads_;
  std::unique_ptr<http_server> server_;
  std::mutex mutex_;
  std::vector<std::string> remarks_;
};

/// "GET <target> HTTP/1.1" with Host and further field lines.
std::string get(std::string_view target, std::string_view fields = {});

}  // namespace weir::test
