#include "peer/peer_core.hpp"

#include "peer/peer_client.hpp"
#include "peer/peer_dialler.hpp"

#include <weir/transport/http_server.hpp>
#include <weir/transport/resolver.hpp>

#include <boost/asio/post.hpp>

#include <algorithm>
#include <condition_variable>
#include <stdexcept>

namespace weir {

namespace {

frame_limits limits_of(const peer_link_options& options) {
  frame_limits limits;
  limits.max_value = options.max_value;
  return limits;
}

}  // namespace

peer_core::peer_core(
    environment& environment, std::vector<asio::io_context*> io_loops, peer_link_options with
)
    : env(environment),
      loops(std::move(io_loops)),
      options(std::move(with)),
      limits(limits_of(options)),
      replies(options.replies ? options.replies : std::make_shared<reply_budget>()) {
  if (loops.empty()) {
    throw std::invalid_argument("peer_link_network: at least one event loop expected");
  }
  for (auto* loop : loops) names_[loop] = nullptr;
}

peer_core::~peer_core() = default;

asio::io_context& peer_core::next_loop() {
  return *loops[next_loop_++ % loops.size()];
}

void peer_core::connect(const std::string& address) {
  std::shared_ptr<peer_dialler> dialler;
  {
    std::lock_guard lock(mutex_);
    if (!started_ || stopped_) return;
    auto& known = diallers_[address];
    if (!known) known = std::make_shared<peer_dialler>(shared_from_this(), next_loop(), address);
    dialler = known;
  }
  dialler->start();
}

void peer_core::disconnect(const std::string& address) {
  std::shared_ptr<peer_dialler> gone;
  {
    std::lock_guard lock(mutex_);
    const auto found = diallers_.find(address);
    if (found == diallers_.end()) return;
    gone = std::move(found->second);
    diallers_.erase(found);
  }
  gone->stop();
}

resolver& peer_core::names_on(asio::io_context& loop) {
  auto& names = names_.at(&loop);
  if (!names) names = std::make_unique<resolver>(loop);
  return *names;
}

std::shared_ptr<peer_client> peer_core::route(const std::string& address) const {
  std::shared_lock lock(routes_mutex_);
  const auto found = routes_.find(address);
  return found == routes_.end() ? nullptr : found->second;
}

void peer_core::add_route(const std::string& address, std::shared_ptr<peer_client> client) {
  std::unique_lock lock(routes_mutex_);
  routes_[address] = std::move(client);
}

void peer_core::remove_route(const std::string& address, const peer_client* client) {
  std::unique_lock lock(routes_mutex_);
  const auto found = routes_.find(address);
  if (found != routes_.end() && found->second.get() == client) routes_.erase(found);
}

bool peer_core::knows_address(const std::string& address) const {
  std::lock_guard lock(mutex_);
  return diallers_.contains(address);
}

void peer_core::add(std::shared_ptr<peer_connection> connection) {
  std::lock_guard lock(mutex_);
  connections_.insert(std::move(connection));
}

std::optional<std::string> peer_core::admit(
    const identity& peer, const std::shared_ptr<peer_connection>& connection
) {
  const time_point now = env.now();
  std::lock_guard lock(mutex_);
  const auto [first, last] = present_.equal_range(peer.id);
  for (auto one = first; one != last; ++one) {
    const auto other = one->second.connection.lock();
    if (!other || one->second.incarnation == peer.incarnation) continue;
    if (now - other->heard() < options.silent_is_dead) return one->second.address;
    other->close_soon({link_loss::timeout, false, "silent, and replaced by a newer process"});
  }
  auto address = peer.address.empty() ? connection->place().second : peer.address;
  present_.emplace(peer.id, presence{peer.incarnation, std::move(address), connection});
  return std::nullopt;
}

void peer_core::run_on_each_loop(const std::function<void(asio::io_context&)>& task) {
  struct waiting {
    std::mutex mutex;
    std::condition_variable changed;
    std::size_t left;
  };

  auto state = std::make_shared<waiting>();
  state->left = loops.size();
  for (auto* loop : loops) {
    asio::post(*loop, [state, task, loop] {
      task(*loop);
      std::lock_guard lock(state->mutex);
      --state->left;
      state->changed.notify_one();
    });
  }
  const auto is_over = [&] {
    return state->left == 0 ||
           std::all_of(loops.begin(), loops.end(), [](auto* loop) { return loop->stopped(); });
  };
  std::unique_lock lock(state->mutex);
  while (!state->changed.wait_for(lock, milliseconds(50), is_over)) {
  }
}

void peer_core::stop() {
  std::map<std::string, std::shared_ptr<peer_dialler>> diallers;
  std::unique_ptr<http_server> server;
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
    diallers.swap(diallers_);
    server = std::move(server_);
  }
  if (server) server->stop();
  run_on_each_loop([this, &diallers](asio::io_context& loop) {
    for (const auto& [address, dialler] : diallers) {
      if (&dialler->loop() == &loop) dialler->stop_now();
    }
    std::set<std::shared_ptr<peer_connection>> open;
    {
      std::lock_guard lock(mutex_);
      open = connections_;
    }
    for (const auto& connection : open) {
      if (connection->executor() == loop.get_executor()) {
        connection->close({link_loss::reset, false, "stopped"});
      }
    }
    names_.at(&loop).reset();
  });
}

void peer_core::log(std::string_view event, peer_log_fields fields) const {
  if (options.log) options.log(event, std::move(fields));
}

void peer_core::log_seldom(std::string_view event, peer_log_fields fields) {
  std::string kind(event);
  for (const auto& [field, value] : fields) {
    const auto length = field == "from" ? value.rfind(':') : value.size();
    kind += '\n' + value.substr(0, length);
  }
  std::uint64_t count = 0;
  {
    std::lock_guard lock(mutex_);
    count = remarks_.take(kind, env.now());
  }
  if (count == 0) return;
  if (count > 1) fields.emplace_back("times", std::to_string(count));
  log(event, std::move(fields));
}

void peer_core::count(peer_fault fault) {
  ++faults_[static_cast<std::size_t>(fault)];
}

peer_link_counters peer_core::counters() const {
  peer_link_counters sum;
  {
    std::lock_guard lock(mutex_);
    sum = closed_;
    if (server_) sum.refused += server_->stats().failed_handshakes_total;
    for (const auto& connection : connections_) connection->add_to(sum);
  }
  sum.refused += refused_;
  sum.links_up = links_up_;
  sum.peers_accepted = peers_accepted_;
  sum.unknown_replies = unknown_replies_;
  sum.late_replies = late_replies_;
  for (std::size_t i = 0; i < faults_.size(); ++i) sum.faults[i] = faults_[i];
  return sum;
}

std::vector<peer_link_state> peer_core::links() const {
  std::vector<peer_link_state> all;
  std::lock_guard lock(mutex_);
  for (const auto& [address, dialler] : diallers_) {
    const auto client = route(address);
    auto state = client ? client->state() : peer_link_state{.address = address, .id = {}};
    const auto& history = dialler->history();
    state.id = history.last_id();
    state.answered = history.answered.get();
    state.timed_out = history.timed_out.get();
    state.lost = history.lost.get();
    all.push_back(std::move(state));
  }
  return all;
}

}  // namespace weir
