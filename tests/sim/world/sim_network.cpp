#include "tests/sim/world/sim_network.hpp"

#include <utility>

namespace weir::sim {

namespace {

constexpr duration first_backoff = 100ms;
constexpr duration longest_backoff = 1s;

// Sends the reply of one request, and notices when the handler forgets it.
class reply_ticket {
 public:
  reply_ticket(
      fabric& wires,
      const sim_environment& env,
      fabric::link_id link,
      std::uint64_t request,
      std::size_t kind,
      bool duplicate
  )
      : wires_(&wires),
        env_(&env),
        link_(link),
        request_(request),
        kind_(kind),
        duplicate_(duplicate) {}

  reply_ticket(reply_ticket&& other) noexcept
      : wires_(std::exchange(other.wires_, nullptr)),
        env_(other.env_),
        link_(other.link_),
        request_(other.request_),
        kind_(other.kind_),
        duplicate_(other.duplicate_) {}

  reply_ticket& operator=(reply_ticket&&) = delete;

  ~reply_ticket() {
    if (wires_ != nullptr && env_->is_alive()) wires_->note_dropped_reply(kind_);
  }

  void operator()(peer_reply reply) {
    fabric* wires = std::exchange(wires_, nullptr);
    if (wires == nullptr || !env_->is_alive()) return;
    if (!duplicate_) wires->send_reply(link_, request_, std::move(reply));
  }

 private:
  fabric* wires_;
  const sim_environment* env_;
  fabric::link_id link_;
  std::uint64_t request_;
  std::size_t kind_;
  bool duplicate_;
};

}  // namespace

sim_network::sim_network(fabric& wires, sim_environment& env, identity self)
    : wires_(wires), env_(env), self_(std::move(self)), random_(env.owner(), self_.incarnation) {}

sim_network::~sim_network() {
  if (env_.is_alive()) crash(going_down::process);
}

void sim_network::listen(peer_handler& handler) {
  handler_ = &handler;
  wires_.add(self_.address, *this);
}

void sim_network::crash(going_down how) {
  if (handler_ != nullptr) wires_.remove(self_.address, how);
  handler_ = nullptr;
  peers_.clear();
  const auto destroyed = std::exchange(calls_, {});  // frames may call back into an empty network
}

bool sim_network::is_linked(const std::string& address) const {
  const auto found = peers_.find(address);
  return found != peers_.end() && found->second.link != 0 && wires_.is_open(found->second.link);
}

// ---- links

void sim_network::connect(const std::string& address) {
  if (!env_.is_alive()) return;
  peer& to = peers_[address];
  if (to.link != 0 || to.attempt != 0) return;
  env_.cancel(std::exchange(to.redial, 0));
  dial(address);
}

void sim_network::disconnect(const std::string& address) {
  const auto found = peers_.find(address);
  if (found == peers_.end()) return;
  wires_.close(found->second.link);
  env_.cancel(found->second.redial);
  peers_.erase(found);
  fail_all(address);
}

void sim_network::dial(const std::string& address) {
  peer& to = peers_[address];
  to.redial = 0;
  const std::uint64_t attempt = to.attempt = ++last_attempt_;
  wires_.dial(*this, address, attempt);
  auto too_late = [this, address, attempt] {
    on_dial_failed(address, attempt, link_loss::timeout);
  };
  env_.world().after(fabric::connect_timeout, std::move(too_late), env_.owner());
}

void sim_network::dial_later(const std::string& address, peer& to) {
  to.backoff = std::min(std::max(first_backoff, 2 * to.backoff), longest_backoff);
  auto again = [this, address] { dial(address); };
  const duration pause = random_.between(to.backoff * 8 / 10, to.backoff * 12 / 10);
  to.redial = env_.world().after(pause, std::move(again), env_.owner());
}

void sim_network::on_dialled(
    const std::string& address, std::uint64_t attempt, fabric::link_id link, const identity& peer
) {
  const auto found = peers_.find(address);
  if (found == peers_.end() || found->second.attempt != attempt) {
    wires_.close(link);
    return;
  }
  found->second.attempt = 0;
  if (!wires_.is_open(link)) {
    dial_later(address, found->second);
    return;
  }
  if (peer.cluster != self_.cluster || peer.id == self_.id) {
    wires_.close(link);
    found->second.attempt = attempt;
    on_dial_failed(address, attempt, link_loss::rejected);
    return;
  }
  found->second.link = link;
  found->second.heard = env_.now();
  found->second.backoff = duration(0);
  env_.run([this, address, peer] { handler_->on_link_up(address, peer); });
}

void sim_network::on_dial_failed(
    const std::string& address, std::uint64_t attempt, link_loss cause
) {
  const auto found = peers_.find(address);
  if (found == peers_.end() || found->second.attempt != attempt) return;
  found->second.attempt = 0;
  dial_later(address, found->second);
  env_.run([this, address, cause] { handler_->on_link_down(address, cause); });
}

void sim_network::on_link_lost(const std::string& address, fabric::link_id link, link_loss cause) {
  const auto found = peers_.find(address);
  if (found == peers_.end() || found->second.link != link) return;
  found->second.link = 0;
  dial_later(address, found->second);
  fail_all(address);
  env_.run([this, address, cause] { handler_->on_link_down(address, cause); });
}

bool sim_network::accepts(const identity& from) const {
  return handler_ != nullptr && from.cluster == self_.cluster && from.id != self_.id;
}

void sim_network::on_accepted(const identity& from) {
  env_.run([this, from] { handler_->on_peer_seen(from); });
}

// ---- requests

void sim_network::call(
    const std::string& address,
    peer_request request,
    time_point deadline,
    completion<result<peer_reply>> done
) {
  call_watched(address, std::move(request), deadline, std::move(done), nullptr);
}

void sim_network::call_watched(
    const std::string& address,
    peer_request request,
    time_point deadline,
    completion<result<peer_reply>> done,
    std::shared_ptr<call_watcher> watcher
) {
  if (!env_.is_alive()) return;
  const std::uint64_t number = ++last_request_;
  const auto found = peers_.find(address);
  const bool is_up = found != peers_.end() && found->second.link != 0;
  const auto fails_with = is_up ? errc::deadline_exceeded : errc::unavailable;
  auto fail = [this, number, fails_with] { finish(number, fails_with); };
  const instant when = is_up ? env_.when(deadline) : env_.world().now();
  const event_id at_deadline = env_.world().at(when, std::move(fail), env_.owner());
  calls_.emplace(number, call_in_flight{address, std::move(done), std::move(watcher), at_deadline});
  if (is_up) wires_.send_request(found->second.link, number, std::move(request));
}

void sim_network::abandon(const std::string& address) {
  fail_all(address);
}

void sim_network::fail_all(const std::string& address) {
  for (auto& [number, call] : calls_) {
    if (call.address != address) continue;
    env_.cancel(call.deadline);
    auto fail = [this, number = number] { finish(number, errc::unavailable); };
    call.deadline = env_.world().at(env_.world().now(), std::move(fail), env_.owner());
  }
}

void sim_network::finish(std::uint64_t request, result<peer_reply> outcome) {
  const auto found = calls_.find(request);
  if (found == calls_.end()) return;
  auto ended = calls_.extract(found);
  env_.cancel(ended.mapped().deadline);
  env_.run([done = std::move(ended.mapped().done), outcome = std::move(outcome)]() mutable {
    std::move(done)(std::move(outcome));
  });
}

void sim_network::on_reply(const std::string& address, std::uint64_t request, peer_reply body) {
  note_heard(address);
  finish(request, std::move(body));
}

void sim_network::on_loading(const std::string& address, std::uint64_t request) {
  note_heard(address);
  const auto found = calls_.find(request);
  if (found == calls_.end() || !found->second.watcher) return;
  env_.run([watcher = found->second.watcher] { watcher->on_loading(); });
}

void sim_network::note_heard(const std::string& address) {
  const auto found = peers_.find(address);
  if (found != peers_.end()) found->second.heard = env_.now();
}

time_point sim_network::heard(const std::string& address) const {
  const auto found = peers_.find(address);
  const bool is_up = found != peers_.end() && found->second.link != 0;
  return is_up ? found->second.heard : time_point{};
}

void sim_network::on_request(
    fabric::link_id link,
    std::uint64_t request,
    const identity& from,
    peer_request body,
    bool duplicate
) {
  auto serve = [this, link, request, from, body = std::move(body), duplicate]() mutable {
    wires_.note_received(body);
    reply_ticket ticket(wires_, env_, link, request, body.body.index(), duplicate);
    peer_reply ready;
    if (handler_->try_serve(body, ready)) return ticket(std::move(ready));
    completion<> loading;
    if (!duplicate) loading = [this, link, request] { wires_.send_loading(link, request); };
    handler_->serve(from, std::move(body), std::move(ticket), std::move(loading));
  };
  env_.run(std::move(serve));
}

}  // namespace weir::sim
