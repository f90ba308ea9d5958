#include "http/server/http_upgrade.hpp"
#include "net/client_key.hpp"
#include "peer/peer_core.hpp"
#include "peer/peer_service.hpp"
#include "peer/peer_socket.hpp"

#include <weir/transport/http_problem.hpp>
#include <weir/transport/http_server.hpp>

#include <boost/asio/awaitable.hpp>

#include <algorithm>

namespace weir {

namespace {

// What the peer port says to everything but an Upgrade to weir/1.
class upgrade_required final : public http_handler {
 public:
  bool try_handle(const http_request&, http_response& response) override {
    response = problem(
        426,
        "bad_request",
        "Upgrade required",
        "this port is for peers (Upgrade: weir/1); clients use the http port of this node"
    );
    response.add("Upgrade", "weir/1");
    return true;
  }

  asio::awaitable<http_response> handle(const http_request& request) override {
    http_response response;
    try_handle(request, response);
    co_return response;
  }

  std::uint64_t body_limit(const http_request&) const override { return 0; }
};

http_limits peer_http_limits(const peer_link_options& options) {
  http_limits limits;
  limits.max_connections = options.max_handshakes;
  limits.max_per_address = options.max_per_address;
  limits.max_handshakes = options.max_handshakes;
  limits.count_loopback = options.count_loopback;
  limits.header_timeout = options.handshake_timeout;
  limits.idle_timeout = options.handshake_timeout;
  return limits;
}

// As far as the socket takes it at once.
void say_busy(net_stream& socket) {
  std::string goodbye;
  append_refusal(goodbye, {refusal_reason::busy, "too many peer connections"});
  error_code ignored;
  socket.socket().non_blocking(true, ignored);
  socket.write_some(asio::buffer(goodbye), ignored);
}

}  // namespace

result<std::string> peer_core::listen(std::string_view address) {
  const auto refuse = std::make_shared<upgrade_required>();
  auto server = std::make_unique<http_server>(loops, peer_http_limits(options), *refuse);
  server->on_log([self = shared_from_this()](std::string_view text) {
    self->log("peer_listener", {{"detail", std::string(text)}});
  });
  server->share_replies(replies);
  if (options.server_tls) server->use_tls(options.server_tls);
  // The server keeps this function, and with it the handler, as long as it has connections.
  auto take_over = [self = shared_from_this(),
                    refuse](net_stream socket, const std::string& leftover, const http_request&) {
    self->accept(std::move(socket), leftover);
  };
  on_upgrade(*server, "weir/1", std::move(take_over));
  auto bound = server->listen(address);
  if (!bound) return bound.error().code;
  std::lock_guard lock(mutex_);
  if (stopped_) return errc::unavailable;
  server_ = std::move(server);
  return *bound;
}

void peer_core::start(identity who, peer_handler& to) {
  std::lock_guard lock(mutex_);
  self = std::move(who);
  handler = &to;
  started_ = true;
}

void peer_core::accept(net_stream socket, std::string_view leftover) {
  error_code error;
  const auto remote = socket.socket().remote_endpoint(error);
  const auto client = client_key(remote.address());
  const bool is_counted = options.count_loopback || !client.is_loopback();
  std::shared_ptr<peer_service> service;
  {
    std::lock_guard lock(mutex_);
    if (error || !started_ || stopped_) return;
    const auto here = is_counted ? accepted_from_.find(client) : accepted_from_.end();
    const bool is_crowded = here != accepted_from_.end() && here->second >= options.max_per_address;
    const bool is_full =
        accepted_ >= options.max_peers || greeting_.size() >= options.max_handshakes;
    const bool is_refused =
        is_crowded ? !put_out_oldest(&client) : is_full && !put_out_oldest(nullptr);
    if (is_refused) {
      ++refused_;
      return say_busy(socket);
    }
    set_peer_options(socket.socket(), options);
    service = std::make_shared<peer_service>(shared_from_this(), std::move(socket), remote);
    connections_.insert(service);
    greeting_.push_back(service.get());
    ++accepted_;
    if (is_counted) ++accepted_from_[client];
  }
  ++peers_accepted_;
  service->begin(leftover);
}

bool peer_core::put_out_oldest(const asio::ip::address* client) {
  const auto oldest = std::find_if(greeting_.begin(), greeting_.end(), [client](const auto* each) {
    return client == nullptr || each->client() == *client;
  });
  if (oldest == greeting_.end()) return false;
  (*oldest)->close_soon({link_loss::timeout, false, "no hello, and others want in"});
  greeting_.erase(oldest);
  ++refused_;
  return true;
}

void peer_core::finish_handshake(const peer_service& service) {
  std::lock_guard lock(mutex_);
  greeting_.remove_if([&service](const auto* each) { return each == &service; });
}

void peer_core::forget(peer_connection& connection) {
  std::lock_guard lock(mutex_);
  const auto known = connections_.find(connection.shared_from_this());
  if (known == connections_.end()) return;
  connection.add_to(closed_);
  if (const auto* service = dynamic_cast<peer_service*>(&connection)) {
    --accepted_;
    greeting_.remove_if([service](const auto* each) { return each == service; });
    const auto from = accepted_from_.find(service->client());
    if (from != accepted_from_.end() && --from->second == 0) accepted_from_.erase(from);
  }
  for (auto one = present_.begin(); one != present_.end();) {
    const auto other = one->second.connection.lock();
    one = !other || other.get() == &connection ? present_.erase(one) : std::next(one);
  }
  connections_.erase(known);
}

}  // namespace weir
