#include "peer/peer_socket.hpp"

#include "peer/peer_core.hpp"

#include <weir/transport/resolver.hpp>
#include <weir/transport/tls.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>

namespace weir {

namespace {

using asio::ip::tcp;
using endpoints_callback = std::function<void(error_code, std::vector<tcp::endpoint>)>;

constexpr int keep_alive_after = 10;  // seconds of silence
constexpr int keep_alive_every = 2;

asio::awaitable<void> look_up(
    std::shared_ptr<peer_core> core,
    asio::io_context& loop,
    host_port target,
    endpoints_callback done
) {
  const auto until = std::chrono::steady_clock::now() + core->options.connect_timeout;
  auto found = co_await core->names_on(loop).async_resolve(target.host, until);
  if (!found) co_return done(found.error(), {});
  std::vector<tcp::endpoint> endpoints;
  for (const auto& literal : *found) {
    endpoints.emplace_back(asio::ip::make_address(literal), target.port);
  }
  done({}, std::move(endpoints));
}

}  // namespace

void set_peer_options(tcp::socket& socket, const peer_link_options& options) {
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  socket.set_option(tcp::socket::keep_alive(true), ignored);
  socket.non_blocking(true, ignored);
  const int fd = socket.native_handle();
  const auto user_timeout = static_cast<unsigned>(options.user_timeout.count());
  ::setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &user_timeout, sizeof user_timeout);
  ::setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &max_unsent, sizeof max_unsent);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &keep_alive_after, sizeof keep_alive_after);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &keep_alive_every, sizeof keep_alive_every);
}

link_loss loss_of(const error_code& error) noexcept {
  if (error == asio::error::connection_refused) return link_loss::refused;
  if (error.category() == tls_category()) return link_loss::rejected;
  const bool is_hard = error == asio::error::eof || error == asio::error::connection_reset ||
                       error == asio::error::broken_pipe ||
                       error == asio::error::connection_aborted;
  return is_hard ? link_loss::reset : link_loss::timeout;
}

void resolve_endpoints(
    peer_core& core, asio::io_context& loop, const host_port& target, endpoints_callback done
) {
  error_code not_literal;
  const auto literal = asio::ip::make_address(target.host, not_literal);
  if (!not_literal) return done({}, {tcp::endpoint(literal, target.port)});
  if (target.host == "localhost" || target.host.empty()) {
    return done(
        {},
        {tcp::endpoint(asio::ip::address_v4::loopback(), target.port),
         tcp::endpoint(asio::ip::address_v6::loopback(), target.port)}
    );
  }
  asio::co_spawn(
      loop, look_up(core.shared_from_this(), loop, target, std::move(done)), asio::detached
  );
}

}  // namespace weir
