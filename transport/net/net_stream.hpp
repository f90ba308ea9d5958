#pragma once

#include "tls/tls_session.hpp"

#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace weir {

/// One TCP connection, plain or inside TLS, with the calls of an Asio socket for both.
///
/// Plain costs a test of a pointer more than the socket itself. Nothing may be pending when it is
/// moved or destroyed, but for what close() cancels. Used on the loop of its socket.
class net_stream {
 public:
  using tcp = asio::ip::tcp;
  using executor_type = tcp::socket::executor_type;

  net_stream(tcp::socket socket) : socket_(std::move(socket)) {}  // NOLINT: plain, as it comes

  net_stream(net_stream&&) noexcept = default;
  net_stream& operator=(net_stream&&) noexcept = default;
  ~net_stream() = default;

  /// Everything from here on is inside TLS; async_handshake() comes first. The socket becomes
  /// non-blocking. For a client, the certificate must be for `host`; empty = not checked.
  void secure(tls_context context, tls_side side, const std::string& host = {});

  bool is_secure() const noexcept { return tls_ != nullptr; }

  tcp::socket& socket() noexcept { return socket_; }

  executor_type get_executor() noexcept { return socket_.get_executor(); }

  /// Whether the other side may say that it is `name`: always when plain; else its certificate
  /// must be for it.
  bool proves(std::string_view name) const { return !tls_ || tls_->is_for(name); }

  /// No unexpected bytes have come, and the other side has not closed.
  bool is_quiet();

  /// Says that nothing more is sent.
  void shutdown_send(error_code& error);
  void close(error_code& ignored);

  std::size_t read_some(asio::mutable_buffer into, error_code& error);

  template <class Buffers>
  std::size_t write_some(const Buffers& buffers, error_code& error) {
    if (!tls_) return socket_.write_some(buffers, error);
    std::size_t total = 0;
    error = {};
    for (auto each = asio::buffer_sequence_begin(buffers);
         each != asio::buffer_sequence_end(buffers);
         ++each) {
      const asio::const_buffer piece(*each);
      if (piece.size() == 0) continue;
      const auto sent = write_tls(piece, error);
      total += sent;
      if (sent == piece.size()) continue;
      if (total > 0 && error == asio::error::would_block) error = {};
      break;
    }
    return total;
  }

  /// void(error_code). Verifies the other side, as the context says.
  template <class Token>
  auto async_handshake(Token&& token) {
    return asio::async_compose<Token, void(error_code)>(handshake_op{this}, token, socket_);
  }

  /// void(error_code, std::size_t), as of a socket.
  template <class Buffer, class Token>
  auto async_read_some(const Buffer& into, Token&& token) {
    auto start = [this](auto handler, asio::mutable_buffer buffer) {
      if (!tls_) return socket_.async_read_some(buffer, std::move(handler));
      auto op = [this, buffer](error_code& error) { return read_some(buffer, error); };
      transfer(std::move(handler), std::move(op));
    };
    return asio::async_initiate<Token, void(error_code, std::size_t)>(
        std::move(start), token, asio::mutable_buffer(into)
    );
  }

  /// The bytes of `buffers` must stay until the end, as for a socket.
  template <class Buffers, class Token>
  auto async_write_some(const Buffers& buffers, Token&& token) {
    auto start = [this](auto handler, const Buffers& from) {
      if (!tls_) return socket_.async_write_some(from, std::move(handler));
      auto op = [this, from](error_code& error) { return write_some(from, error); };
      transfer(std::move(handler), std::move(op));
    };
    return asio::async_initiate<Token, void(error_code, std::size_t)>(
        std::move(start), token, buffers
    );
  }

 private:
  static tcp::socket::wait_type wait_for(const tls_session& session) noexcept {
    return session.wants() == tls_session::readiness::read ? tcp::socket::wait_read
                                                           : tcp::socket::wait_write;
  }

  /// Tries the step until it does not block any more; the handler never runs at once.
  struct handshake_op {
    net_stream* stream;
    bool waited = false;

    template <class Self>
    void operator()(Self& self, error_code error = {}) {
      if (!error) error = stream->tls_->handshake();
      if (error == asio::error::would_block) {
        waited = true;
        return stream->socket_.async_wait(wait_for(*stream->tls_), std::move(self));
      }
      if (waited) return self.complete(error);
      asio::post(stream->get_executor(), [self = std::move(self), error]() mutable {
        self.complete(error);
      });
    }
  };

  template <class Step>
  struct transfer_op {
    net_stream* stream;
    Step step;
    bool waited = false;

    template <class Self>
    void operator()(Self& self, error_code error = {}) {
      std::size_t size = 0;
      if (!error) size = step(error);
      if (error == asio::error::would_block) {
        waited = true;
        return stream->socket_.async_wait(wait_for(*stream->tls_), std::move(self));
      }
      if (waited) return self.complete(error, size);
      asio::post(stream->get_executor(), [self = std::move(self), error, size]() mutable {
        self.complete(error, size);
      });
    }
  };

  template <class Handler, class Step>
  void transfer(Handler handler, Step step) {
    asio::async_compose<Handler, void(error_code, std::size_t)>(
        transfer_op<Step>{this, std::move(step)}, handler, socket_
    );
  }

  std::size_t write_tls(asio::const_buffer from, error_code& error);

  tcp::socket socket_;
  std::unique_ptr<tls_session> tls_;
};

}  // namespace weir
