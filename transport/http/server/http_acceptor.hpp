#pragma once

#include "http/server/http_core.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>

namespace weir {

/// One listening socket; hands the connections it accepts to the loops in turn. It listens without
/// SO_REUSEPORT, so that no second process can take a share of the port unnoticed.
class http_acceptor : public std::enable_shared_from_this<http_acceptor> {
 public:
  explicit http_acceptor(std::shared_ptr<http_core> core);
  ~http_acceptor();

  /// Binds and listens; the caller starts accepting.
  error_code open(const asio::ip::tcp::endpoint& endpoint);
  asio::ip::tcp::endpoint local_endpoint() const;

  /// On the first loop.
  void accept();
  void close();

 private:
  void on_accept(const error_code& error, asio::ip::tcp::socket socket, std::size_t loop);
  void out_of_descriptors(const error_code& error);
  static void refuse(asio::ip::tcp::socket socket);

  std::shared_ptr<http_core> core_;
  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::size_t next_loop_ = 0;
  int reserve_ = -1;  // given up to answer one client when no other descriptor is left
};

}  // namespace weir
