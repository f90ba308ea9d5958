#include "net/net_stream.hpp"

#include <cerrno>
#include <sys/socket.h>

namespace weir {

void net_stream::secure(tls_context context, tls_side side, const std::string& host) {
  error_code ignored;
  socket_.non_blocking(true, ignored);
  tls_ = std::make_unique<tls_session>(std::move(context), side, socket_.native_handle());
  if (!host.empty()) tls_->expect(host);
}

bool net_stream::is_quiet() {
  if (tls_) {
    char byte = 0;
    error_code error;
    return tls_->read(&byte, 1, error) == 0 && error == asio::error::would_block;
  }
  char byte = 0;
  const auto got = ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

void net_stream::shutdown_send(error_code& error) {
  if (tls_) tls_->shutdown();
  socket_.shutdown(tcp::socket::shutdown_send, error);
}

void net_stream::close(error_code& ignored) {
  if (tls_) {
    tls_->shutdown();
    tls_->detach();
  }
  socket_.close(ignored);
}

std::size_t net_stream::read_some(asio::mutable_buffer into, error_code& error) {
  return tls_ ? tls_->read(into.data(), into.size(), error) : socket_.read_some(into, error);
}

std::size_t net_stream::write_tls(asio::const_buffer from, error_code& error) {
  return tls_->write(from.data(), from.size(), error);
}

}  // namespace weir
