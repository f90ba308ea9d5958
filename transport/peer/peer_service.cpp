#include "peer/peer_service.hpp"

#include "net/client_key.hpp"
#include "peer/peer_core.hpp"
#include "peer/peer_socket.hpp"

#include <weir/transport/host_port.hpp>

#include <algorithm>
#include <utility>

namespace weir {

namespace {

// Beyond these, an asker hears errc::overloaded.
constexpr std::size_t max_waiting = 65'536;

// Replies up to here are always made: heartbeats and votes are among them.
constexpr std::size_t small_queue = 65'536;

}  // namespace

/// The way back for one request; may be called on any thread, also after the connection, the
/// network and the loops are gone.
class peer_service::pending_reply {
 public:
  pending_reply(std::weak_ptr<peer_service> service, std::uint64_t id)
      : service_(std::move(service)), id_(id) {}

  void operator()(const peer_reply& reply) {
    if (const auto service = service_.lock()) service->answer(id_, reply);
  }

 private:
  std::weak_ptr<peer_service> service_;
  std::uint64_t id_;
};

peer_service::peer_service(
    std::shared_ptr<peer_core> core, net_stream socket, const asio::ip::tcp::endpoint& remote
)
    : peer_connection(std::move(core), std::move(socket), peer_side::acceptor),
      remote_(remote),
      client_(client_key(remote.address())),
      share_(peer_connection::core().replies) {}

std::pair<std::string, std::string> peer_service::place() const {
  return {"from", to_string(host_port{remote_.address().to_string(), remote_.port()})};
}

void peer_service::on_up() {
  core().finish_handshake(*this);
  if (!peer_.address.empty() && !core().knows_address(peer_.address))
    look_up(std::exchange(peer_.address, {}));
}

void peer_service::look_up(std::string claimed) {
  const auto target = parse_host_port(claimed);
  if (!target) return;
  const auto on = executor();
  auto& loop = static_cast<asio::io_context&>(asio::query(on, asio::execution::context));
  const std::weak_ptr<peer_connection> weak = weak_from_this();
  auto done = [weak, this, claimed = std::move(claimed)](
                  const error_code& error, const std::vector<asio::ip::tcp::endpoint>& found
              ) {
    const auto self = weak.lock();
    if (self && !error && !is_closed()) looked_up(claimed, found);
  };
  resolve_endpoints(core(), loop, *target, std::move(done));
}

void peer_service::looked_up(
    const std::string& claimed, const std::vector<asio::ip::tcp::endpoint>& found
) {
  const auto plain = [](const asio::ip::address& of) -> asio::ip::address {
    const bool is_mapped = of.is_v6() && of.to_v6().is_v4_mapped();
    return is_mapped ? asio::ip::make_address_v4(asio::ip::v4_mapped, of.to_v6()) : of;
  };
  const auto came_from = plain(remote_.address());
  const bool is_there = std::any_of(found.begin(), found.end(), [&](const auto& each) {
    const auto at = plain(each.address());
    return at == came_from || (at.is_loopback() && came_from.is_loopback());
  });
  if (!is_there) return;
  peer_.address = claimed;
  core().handler->on_peer_seen(peer_);
}

peer_fault peer_service::on_message(const frame_message& message) {
  const std::uint64_t id = message.header.id;
  const auto fault = read_request(message, request_);
  if (fault != peer_fault::none) return fault;
  if (const auto refused = check_request(request_, core().limits)) {
    std::lock_guard lock(mutex_);
    append_fault(queue_, id, request_.view_digest, refused);
    messages_out_.add(1);
    return peer_fault::none;
  }
  const auto type = message.header.type;
  if (type == frame_type::get || type == frame_type::get_many) {
    std::lock_guard lock(mutex_);
    if (is_pressed()) {
      append_fault(queue_, id, request_.view_digest, errc::overloaded);
      messages_out_.add(1);
      return peer_fault::none;
    }
  }
  peer_reply reply;
  if (core().handler->try_serve(request_, reply)) {
    std::lock_guard lock(mutex_);
    if (in_service_.contains(id) || waiting_.contains(id)) return peer_fault::duplicate_request;
    append_reply(queue_, id, reply, core().limits);
    if (queue_.size() > small_queue) share_.set(queue_.size());
    messages_out_.add(1);
    return peer_fault::none;
  }
  {
    std::lock_guard lock(mutex_);
    if (in_service_.contains(id) || waiting_.contains(id)) return peer_fault::duplicate_request;
    const bool waits = message.header.type == frame_type::confirm;
    if (waits && waiting_.size() == max_waiting) {
      append_fault(queue_, id, request_.view_digest, errc::overloaded);
      messages_out_.add(1);
      return peer_fault::none;
    }
    (waits ? waiting_ : in_service_).insert(id);
  }
  pending_reply back(std::static_pointer_cast<peer_service>(shared_from_this()), id);
  completion<> loading;
  if (type == frame_type::get || type == frame_type::get_many) {
    // Called within serve(), if at all.
    loading = [this, id, digest = request_.view_digest] { tell_loading(id, digest); };
  }
  core().handler->serve(peer_, std::move(request_), std::move(back), std::move(loading));
  return peer_fault::none;
}

// Goes out with what else this read brings about.
void peer_service::tell_loading(std::uint64_t id, std::uint64_t view_digest) {
  std::lock_guard lock(mutex_);
  append_loading(queue_, id, view_digest);
  messages_out_.add(1);
}

void peer_service::answer(std::uint64_t id, const peer_reply& reply) {
  frame_queue written(core().limits);  // a batch may hold megabytes: not under the lock
  append_reply(written, id, reply, core().limits);
  std::lock_guard lock(mutex_);
  if (!up_ || in_service_.erase(id) + waiting_.erase(id) == 0) return;
  if (written.size() > small_queue && !share_.grow(written.size())) {
    append_fault(queue_, id, reply.view_digest, errc::overloaded);
  } else {
    queue_.absorb(std::move(written));
    if (queue_.size() > small_queue) share_.set(queue_.size());
  }
  messages_out_.add(1);
  flush_soon();
}

bool peer_service::may_read() {
  std::lock_guard lock(mutex_);
  return in_service_.size() < core().options.max_in_service &&
         queue_.size() < core().options.max_output;
}

void peer_service::on_closed(const connection_end& why) {
  {
    std::lock_guard lock(mutex_);
    share_.set(0);
  }
  if (why.cause != link_loss::rejected) return;
  peer_log_fields fields{place()};
  if (!why.peer.empty()) fields.emplace_back("peer", why.peer);
  fields.emplace_back("detail", why.text);
  core().log_seldom("peer_refused", std::move(fields));
}

void peer_service::on_taken() {
  if (share_.size() != 0) share_.set(queue_.size() <= small_queue ? 0 : queue_.size());
}

bool peer_service::is_pressed() const noexcept {
  return queue_.size() > small_queue && share_.budget().is_spent();
}

}  // namespace weir
