#include "peer_socket.hpp"

#include "peer_core.hpp"

#include <boost/asio/post.hpp>

#include <netinet/tcp.h>
#include <sys/socket.h>

namespace weir {

namespace {

using asio::ip::tcp;
using endpoints_callback = std::function<void(error_code, std::vector<tcp::endpoint>)>;

constexpr int max_unsent = 128 * 1024;

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
  auto look_up = [&loop, target, done](error_code& error) {
    tcp::resolver resolver(loop);
    std::vector<tcp::endpoint> found;
    const auto flags = tcp::resolver::numeric_service;
    for (const auto& one :
         resolver.resolve(target.host, std::to_string(target.port), flags, error)) {
      found.push_back(one.endpoint());
    }
    return found;
  };
  auto work = [&loop, look_up, done] {
    error_code error;
    auto found = look_up(error);
    asio::post(loop, [done, error, found = std::move(found)] { done(error, found); });
  };
  const error_code full = core.env.run_blocking(std::move(work));
  if (full) done(full, {});
}

}  // namespace weir
