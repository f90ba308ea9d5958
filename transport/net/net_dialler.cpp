#include "net/net_dialler.hpp"

#include "net/as_tuple.hpp"
#include "net/deadline_guard.hpp"

#include <weir/engine/errc.hpp>

#include <algorithm>
#include <utility>

namespace weir {
namespace {

using tcp = asio::ip::tcp;

/// Forgets a stream with the coroutine that has it, which may be destroyed while it waits.
struct forgetting {
  net_stream*& stream;

  ~forgetting() { stream = nullptr; }
};

}  // namespace

asio::awaitable<result<net_stream>> net_dialler::run(
    resolver& names, host_port server, tls_context tls
) {
  const auto addresses = co_await names.async_resolve(server.host, options_.connect.deadline);
  if (!addresses) co_return addresses.error();
  auto endpoints = endpoints_of(*addresses, server.port);
  error_code failed = asio::error::host_not_found;
  error_code untrusted;
  while (!endpoints.empty() && !is_closed_) {
    race_ = std::make_shared<connect_race>(executor_, options_.connect);
    auto connected = co_await race_->run(endpoints);
    if (!connected) {
      failed = connected.error();
      break;
    }
    if (is_closed_) break;  // as it connected
    net_stream socket(std::move(*connected));
    error_code ignored;
    socket.socket().set_option(tcp::no_delay(true), ignored);
    if (!tls) co_return std::move(socket);
    untrusted = co_await secure(socket, tls, server.host);
    if (!untrusted) co_return std::move(socket);
    if (untrusted == errc::deadline_exceeded) break;
    std::erase(endpoints, race_->reached());
  }
  if (is_closed_) co_return make_error_code(asio::error::operation_aborted);
  co_return untrusted ? untrusted : failed;
}

asio::awaitable<error_code> net_dialler::secure(
    net_stream& socket, const tls_context& tls, const std::string& host
) {
  const auto deadline = options_.connect.deadline;
  const auto latest = std::min(deadline, std::chrono::steady_clock::now() + options_.handshake);
  const deadline_guard guard(executor_, latest, [&socket] {
    error_code ignored;
    socket.close(ignored);
  });
  socket.secure(tls, tls_side::client, std::string(without_root(host)));
  securing_ = &socket;
  const forgetting at_the_end{securing_};
  auto [refused] = co_await socket.async_handshake(as_tuple);
  if (!guard.expired()) co_return refused;
  if (latest == deadline) co_return make_error_code(errc::deadline_exceeded);
  co_return make_error_code(asio::error::timed_out);
}

void net_dialler::close() {
  is_closed_ = true;
  error_code ignored;
  if (race_) race_->close();
  if (securing_ != nullptr) securing_->close(ignored);
}

}  // namespace weir
