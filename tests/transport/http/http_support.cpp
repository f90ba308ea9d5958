#include "tests/transport/http/http_support.hpp"

#include <weir/transport/host_port.hpp>

#include <arpa/inet.h>
#include <chrono>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <utility>

namespace weir::test {

loop_threads::loop_threads(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    contexts_.push_back(std::make_unique<asio::io_context>(1));
    guards_.push_back(asio::make_work_guard(*contexts_.back()));
    threads_.emplace_back([context = contexts_.back().get()] { context->run(); });
  }
}

std::vector<asio::io_context*> loop_threads::loops() const {
  std::vector<asio::io_context*> all;
  for (const auto& context : contexts_) all.push_back(context.get());
  return all;
}

void loop_threads::stop() {
  guards_.clear();
  for (const auto& context : contexts_) context->stop();
  for (auto& thread : threads_) thread.join();
  threads_.clear();
}

bool answer::says(std::string_view field) const {
  return head.find(field) != std::string::npos;
}

raw_client::raw_client() {
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{10, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

raw_client::raw_client(const std::string& address, int receive_buffer) : raw_client() {
  if (receive_buffer > 0)
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  connect(address);
}

void raw_client::connect(const std::string& address) {
  const auto target = parse_host_port(address).value();
  sockaddr_in remote{};
  remote.sin_family = AF_INET;
  remote.sin_port = htons(target.port);
  ::inet_pton(AF_INET, target.host.c_str(), &remote.sin_addr);
  EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&remote), sizeof remote), 0) << address;
}

raw_client::~raw_client() {
  if (fd_ >= 0) ::close(fd_);
}

raw_client& raw_client::send(std::string_view text) {
  while (!text.empty()) {
    const auto sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) break;
    text.remove_prefix(static_cast<std::size_t>(sent));
  }
  return *this;
}

std::size_t raw_client::send_until_blocked(std::string_view text, std::size_t repetitions) {
  const timeval patience{0, 300'000};
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  std::size_t total = 0;
  for (std::size_t i = 0; i < repetitions; ++i) {
    const auto sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent <= 0) break;
    total += static_cast<std::size_t>(sent);
    if (static_cast<std::size_t>(sent) < text.size()) break;
  }
  return total;
}

void raw_client::half_close() {
  ::shutdown(fd_, SHUT_WR);
}

void raw_client::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  ::close(std::exchange(fd_, -1));
}

bool raw_client::fill() {
  char chunk[16 * 1024];
  const auto got = ::recv(fd_, chunk, sizeof chunk, 0);
  if (got <= 0) return false;
  buffer_.append(chunk, static_cast<std::size_t>(got));
  return true;
}

answer raw_client::receive(bool head_only) {
  std::size_t end;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill()) return {};
  }
  answer got;
  got.head = buffer_.substr(0, end + 4);
  buffer_.erase(0, end + 4);
  got.status = static_cast<unsigned>(std::stoul(got.head.substr(9, 3)));
  if (got.says("Transfer-Encoding: chunked\r\n") && !head_only) {
    got.body = receive_chunks();
    return got;
  }
  const auto field = got.head.find("Content-Length: ");
  if (field == std::string::npos || head_only) return got;
  got.body = receive_bytes(std::stoul(got.head.substr(field + 16)));
  return got;
}

std::string raw_client::receive_chunks() {
  std::string body;
  for (;;) {
    std::string size;
    while (!size.ends_with("\r\n")) {
      const auto next = receive_bytes(1);
      if (next.empty()) return {};
      size += next;
    }
    const auto length = std::stoul(size, nullptr, 16);
    const auto piece = receive_bytes(length + 2);
    if (piece.size() != length + 2) return {};
    if (length == 0) return body;
    body.append(piece, 0, length);
  }
}

std::string raw_client::receive_bytes(std::size_t count) {
  while (buffer_.size() < count) {
    if (!fill()) return {};
  }
  auto bytes = buffer_.substr(0, count);
  buffer_.erase(0, count);
  return bytes;
}

std::string raw_client::receive_all() {
  while (fill()) {
  }
  return std::exchange(buffer_, {});
}

bool raw_client::has_news_within(std::chrono::milliseconds time) {
  pollfd watched{fd_, POLLIN, 0};
  return ::poll(&watched, 1, static_cast<int>(time.count())) > 0;
}

bool raw_client::is_closed() {
  char byte;
  return buffer_.empty() && (::recv(fd_, &byte, 1, 0) == 0 || errno == ECONNRESET);
}

namespace {

asio::awaitable<http_response> echo(const http_request& request) {
  const std::string text = std::string(name(request.method)) + " " + std::string(request.path) +
                           " " + std::string(request.query) + " " + std::string(request.body);
  co_return http_response(200, text);
}

}  // namespace

void server_fixture::serve(http_limits limits, std::size_t loop_count) {
  if (!handler_.slow) handler_.slow = echo;
  threads_ = std::make_unique<loop_threads>(loop_count);
  server_ = std::make_unique<http_server>(threads_->loops(), limits, handler_);
  server_->on_log([this](std::string_view line) {
    std::lock_guard lock(mutex_);
    remarks_.emplace_back(line);
  });
  address_ = server_->listen("127.0.0.1:0").value();
}

answer server_fixture::ask(std::string_view request) {
  return connect().send(request).receive();
}

bool server_fixture::remarked(std::string_view text) {
  return eventually([&] {
    std::lock_guard lock(mutex_);
    for (const auto& line : remarks_) {
      if (line.find(text) != std::string::npos) return true;
    }
    return false;
  });
}

void server_fixture::TearDown() {
  if (threads_) threads_->stop();
  server_.reset();
}

std::string get(std::string_view target, std::string_view fields) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" + std::string(fields) +
         "\r\n";
}

}  // namespace weir::test
