#pragma once

#include "tests/transport/peer/peer_samples.hpp"

#include <weir/transport/host_port.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <sys/time.h>

namespace weir::test {

/// A peer that sends exactly the bytes it is told. Blocking; reads give up after 10 s.
class raw_peer {
 public:
  explicit raw_peer(const std::string& address)
      : context_(std::make_unique<asio::io_context>()), socket_(*context_) {
    const auto to = parse_host_port(address).value();
    socket_.connect({asio::ip::make_address(to.host), to.port});
    const timeval limit{10, 0};
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }

  /// Past the Upgrade and the handshake, as a node called `id`.
  static raw_peer introduced(const std::string& address, const std::string& id = "raw") {
    raw_peer peer(address);
    peer.upgrade();
    peer.say_hello(id, 1);
    EXPECT_EQ(peer.next_type(), frame_type::hello);
    peer.decoder_.enter(frame_decoder::phase::replies);
    return peer;
  }

  void upgrade() {
    send("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: weir/1\r\n\r\n");
    while (input_.find("\r\n\r\n") == std::string::npos && receive()) {
    }
    ASSERT_TRUE(input_.starts_with("HTTP/1.1 101")) << input_.substr(0, 100);
    input_.erase(0, input_.find("\r\n\r\n") + 4);
  }

  void say_hello(
      const std::string& id,
      std::uint64_t incarnation,
      const std::string& advertised = "127.0.0.1:1"
  ) {
    std::string greeting;
    append_hello(greeting, {.who = {"test", id, incarnation, 1, advertised}});
    send(greeting);
  }

  void send(std::string_view bytes) {
    error_code ignored;
    asio::write(socket_, asio::buffer(bytes), ignored);
  }

  /// Everything that comes until the other side closes.
  std::string read_all() {
    while (receive()) {
    }
    return std::exchange(input_, {});
  }

  /// The type of the next message; nothing when the connection ends first.
  std::optional<frame_type> next_type() {
    frame_message message;
    while (true) {
      std::string_view rest = input_;
      const auto status = decoder_.next(rest, message);
      const auto type = message.header.type;
      input_.erase(0, input_.size() - rest.size());
      if (status == frame_decoder::status::message) return type;
      if (status == frame_decoder::status::failed || !receive()) return std::nullopt;
    }
  }

  /// True when the other side closes within 10 s.
  bool is_closed() {
    while (receive()) {
    }
    return ended_;
  }

 private:
  bool receive() {
    char piece[16 * 1024];
    const auto size = ::recv(socket_.native_handle(), piece, sizeof piece, 0);
    ended_ = size == 0 || (size < 0 && errno != EAGAIN);
    if (size > 0) input_.append(piece, static_cast<std::size_t>(size));
    return size > 0;
  }

  std::unique_ptr<asio::io_context> context_;
  asio::ip::tcp::socket socket_;
  std::string input_;
  frame_decoder decoder_;
  bool ended_ = false;
};

}  // namespace weir::test
