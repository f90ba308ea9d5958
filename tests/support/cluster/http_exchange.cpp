#include "tests/support/cluster/http_exchange.hpp"

#include "tests/support/cluster/endpoint_of.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include <cerrno>
#include <charconv>
#include <sys/socket.h>

namespace weir::test {
namespace {

using asio::ip::tcp;
using clock = std::chrono::steady_clock;

}  // namespace

std::string http_answer::field(std::string_view name) const {
  const auto at = head.find("\r\n" + std::string(name) + ": ");
  if (at == std::string::npos) return {};
  const auto begin = at + name.size() + 4;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

http_line::http_line(asio::io_context& loop, const std::string& address, const std::string& source)
    : to_(endpoint_of(address)), socket_(loop), limit_(loop) {
  if (!source.empty()) from_ = {asio::ip::make_address(source), 0};
}

bool http_line::is_open() const {
  if (!socket_.is_open()) return false;
  char next = 0;
  auto& socket = const_cast<asio::ip::tcp::socket&>(socket_);
  return ::recv(socket.native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
}

asio::awaitable<http_answer> http_line::exchange(std::string request, clock::time_point limit) {
  const auto began = clock::now();
  http_answer answer;
  limit_.expires_at(limit);
  limit_.async_wait([this](boost::system::error_code cancelled) {
    boost::system::error_code ignored;
    if (!cancelled) socket_.close(ignored);
  });
  const bool is_whole = co_await talk(request, answer);
  limit_.cancel();
  answer.took = clock::now() - began;
  if (!is_whole || answer.field("Connection") == "close") {
    boost::system::error_code ignored;
    socket_.close(ignored);
    buffer_.clear();
  }
  if (!is_whole) answer.status = 0;
  co_return answer;
}

asio::awaitable<bool> http_line::talk(const std::string& request, http_answer& answer) {
  boost::system::error_code failed;
  if (!socket_.is_open()) {
    socket_.open(to_.protocol(), failed);
    if (from_ != tcp::endpoint()) socket_.bind(from_, failed);
    if (failed) co_return false;
    co_await socket_.async_connect(to_, asio::redirect_error(asio::use_awaitable, failed));
    if (failed) co_return false;
    socket_.set_option(tcp::no_delay(true), failed);
  }
  answer.is_connected = true;
  co_await asio::async_write(
      socket_, asio::buffer(request), asio::redirect_error(asio::use_awaitable, failed)
  );
  if (failed) co_return false;
  const auto head = co_await asio::async_read_until(
      socket_,
      asio::dynamic_buffer(buffer_),
      "\r\n\r\n",
      asio::redirect_error(asio::use_awaitable, failed)
  );
  if (failed) co_return false;
  answer.head = buffer_.substr(0, head);
  std::from_chars(answer.head.data() + 9, answer.head.data() + 12, answer.status);
  std::size_t length = 0;
  const auto text = answer.field("Content-Length");
  std::from_chars(text.data(), text.data() + text.size(), length);
  if (answer.status == 204 || answer.status == 304) length = 0;
  if (buffer_.size() < head + length) {
    const auto missing = head + length - buffer_.size();
    co_await asio::async_read(
        socket_,
        asio::dynamic_buffer(buffer_),
        asio::transfer_exactly(missing),
        asio::redirect_error(asio::use_awaitable, failed)
    );
    if (failed) co_return false;
  }
  answer.body = buffer_.substr(head, length);
  buffer_.erase(0, head + length);
  co_return true;
}

std::string http_text(
    std::string_view method, std::string_view target, std::string_view fields, std::string_view body
) {
  std::string out(method);
  out.append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n").append(fields);
  if (!body.empty()) out += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  out.append("\r\n").append(body);
  return out;
}

http_answer http_call(
    const std::string& address, std::string request, std::chrono::milliseconds limit
) {
  asio::io_context loop;
  http_line line(loop, address);
  http_answer answer;
  const auto run = [&]() -> asio::awaitable<void> {
    answer = co_await line.exchange(std::move(request), clock::now() + limit);
  };
  asio::co_spawn(loop, run(), asio::detached);
  loop.run();
  return answer;
}

}  // namespace weir::test
