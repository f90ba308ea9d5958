#pragma once

#include "net/connect_race.hpp"
#include "net/net_stream.hpp"

#include <weir/transport/host_port.hpp>
#include <weir/transport/resolver.hpp>

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <memory>

namespace weir {

struct dial_options {
  connect_options connect;
  std::chrono::milliseconds handshake{1'000};  ///< of TLS, per address
};

/// A client's way to a server: its name is looked up, and the first of its addresses is taken that
/// accepts a connection and, with TLS, shows a certificate for it.
///
/// To be used on an executor that runs one handler at a time.
class net_dialler {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  net_dialler(asio::any_io_executor executor, dial_options options)
      : executor_(std::move(executor)), options_(options) {}

  /// At most once; `tls` null = plain text. Fails with errc::deadline_exceeded, timed_out, a
  /// tls_fault, what the resolver or the last address said, or operation_aborted after close().
  asio::awaitable<result<net_stream>> run(resolver& names, host_port server, tls_context tls);

  /// Gives up; a look-up under way is waited for.
  void close();

 private:
  asio::awaitable<error_code> secure(
      net_stream& socket, const tls_context& tls, const std::string& host
  );

  const asio::any_io_executor executor_;
  const dial_options options_;
  std::shared_ptr<connect_race> race_;
  net_stream* securing_ = nullptr;
  bool is_closed_ = false;
};

}  // namespace weir
