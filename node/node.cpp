#include "advertise.hpp"
#include "event_hub.hpp"
#include "link_metrics.hpp"
#include "node_tls.hpp"
#include "version.hpp"

#include <weir/node/node.hpp>
#include <weir/transport/http_door.hpp>
#include <weir/transport/http_server.hpp>
#include <weir/transport/peer_link.hpp>

#include <boost/throw_exception.hpp>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <stdexcept>

namespace weir {
namespace {

using steady_clock = std::chrono::steady_clock;

constexpr milliseconds longest_goodbye{2000};    // for all peers to hear that this node goes
constexpr milliseconds longest_hand_over{5000};  // for the new owners to take the hottest entries
constexpr milliseconds longest_linger{2000};     // for clients and requests under way to notice

void check(const node_options& options) {
  const auto refuse = [](const std::string& what) { throw std::invalid_argument("weir: " + what); };
  if (options.cluster.empty() || options.cluster.size() > 255) {
    refuse("cluster must be 1 to 255 bytes long");
  }
  if (options.id.size() > max_member_id) refuse("id must be at most 255 bytes long");
  if (options.weight < 1 || options.weight > max_member_weight) refuse("weight must be 1 to 1000");
  if (options.discovery && options.peer_address.empty()) {
    refuse("discovery needs a peer door; set peer_address");
  }
}

node_options checked(node_options options) {
  check(options);
  if (options.id.empty()) options.id = host_name();
  return options;
}

bool same_candidates(const std::vector<candidate>& one, const std::vector<candidate>& other) {
  const auto same = [](const candidate& a, const candidate& b) {
    return a.id == b.id && a.address == b.address;
  };
  return std::equal(one.begin(), one.end(), other.begin(), other.end(), same);
}

/// A flag that one thread sets and another waits for.
class event {
 public:
  void set() {
    const std::lock_guard lock(mutex_);
    is_set_ = true;
    changed_.notify_all();
  }

  void wait_until(steady_clock::time_point when) {
    std::unique_lock lock(mutex_);
    changed_.wait_until(lock, when, [this] { return is_set_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_set_ = false;
};

}  // namespace

void throw_exception_from_error(const start_error& error, const boost::source_location& where) {
  boost::throw_exception(boost::system::system_error(error.code, error.text), where);
}

enum class phase { made, started, draining, stopped };

struct node::impl {
  using outcome = boost::system::result<void, start_error>;

  explicit impl(node_options given)
      : options(checked(std::move(given))),
        hub(std::make_shared<event_hub>(options.log, options.executor)),
        threads(options.runtime),
        tls(std::make_shared<node_tls>(
            options.peer_tls, options.http_tls, hub, *threads.loops().front()
        )),
        core(threads, own_identity(), {.ring = options.ring, .health = options.health}),
        door(core, door_settings()) {
    door.set_tokens(options.http_tokens);
    core.on_event([hub = hub, door = &door](const cluster_event& event) {
      door->note(event);
      hub->publish(event);
    });
  }

  identity own_identity() const {
    return {.cluster = options.cluster, .id = options.id, .weight = options.weight, .address = {}};
  }

  door_options door_settings() {
    door_options made;
    made.version = version_text;
    made.revision = revision_text;
    made.ring = options.ring;
    made.readiness = [this] { return readiness(); };
    made.metrics = [this](metrics_text& out) { append_metrics(out); };
    return made;
  }

  void append_metrics(metrics_text& out) const {
    tls->append_metrics(out);
    if (network) append_link_metrics(out, network->counters(), network->links());
    if (options.discovery) append_discovery_metrics(out);
    if (options.metrics) options.metrics(out);
  }

  void append_discovery_metrics(metrics_text& out) const {
    const auto counts = options.discovery->counts();
    if (counts.empty()) return;
    out.family(
        "weir_discovery_answers_total",
        metric_type::counter,
        "Answers of the discovery service, by outcome."
    );
    for (const auto& each : counts) out.sample({{"outcome", each.outcome}}, each.count);
  }

  std::vector<readiness_check> readiness() const;
  // start() in call order; take_candidates() runs whenever the provider answers.
  outcome open_peer_door();
  void find_candidates();
  void take_candidates(result<std::vector<candidate>> found);
  outcome open_http_door();
  void meet_peers();
  void hand_over(milliseconds longest);

  void stop();

  const node_options options;
  const std::shared_ptr<event_hub> hub;
  runtime threads;
  const std::shared_ptr<node_tls> tls;
  engine core;
  http_door door;
  std::unique_ptr<peer_link_network> network;
  std::unique_ptr<http_server> server;
  std::atomic<phase> now{phase::made};
  std::atomic<bool> was_discovery_answered{false};
  bool is_discovering = false;

  std::mutex candidates_mutex;  // held while the engine hears of them, so that their order stays
  std::vector<candidate> candidates;
  bool is_named = false;          // discovery has answered, be it with nobody
  std::string discovery_trouble;  // logged, and not over
  bool meets_peers = false;

  mutable std::mutex addresses_mutex;
  std::string peer_address;
  std::string http_address;
};

node::node(node_options options) : impl_(std::make_unique<impl>(std::move(options))) {}

node::~node() {
  impl_->stop();
}

std::vector<readiness_check> node::impl::readiness() const {
  const auto check_of = [](std::string_view what, bool is_good, std::string_view wrong) {
    const auto state = is_good ? check_state::passed : check_state::failed;
    return readiness_check{std::string(what), state, std::string(is_good ? "" : wrong)};
  };
  const auto current = now.load();
  const bool is_discovered = !options.discovery || was_discovery_answered;
  std::vector<readiness_check> all{
      check_of("listeners", current >= phase::started, "not open yet"),
      check_of("keyspaces", true, ""),  // one that is not valid cannot be added
      check_of("discovery", is_discovered, "no answer from the provider yet"),
      check_of("not draining", current <= phase::started, "the node is going down"),
  };
  tls->append_checks(all);
  return all;
}

/// Binds the peer port; nobody is let in before meet_peers().
node::impl::outcome node::impl::open_peer_door() {
  if (options.peer_address.empty()) return {};
  peer_link_options link;
  link.server_tls = tls->peer_server();
  link.client_tls = tls->peer_client();
  link.log = [hub = hub](std::string_view remark, peer_log_fields fields) {
    hub->log_link(remark, std::move(fields));
  };
  network = std::make_unique<peer_link_network>(threads, threads.loops(), std::move(link));
  auto bound = network->listen(options.peer_address);
  if (!bound) {
    return start_error{
        bound.error(),
        "cannot listen for peers on " + options.peer_address + ": " + bound.error().message() +
            "; free it or choose another address",
    };
  }
  const std::lock_guard lock(addresses_mutex);
  peer_address = std::move(*bound);
  return {};
}

/// Candidates that are named before the node knows its own address wait until meet_peers().
void node::impl::find_candidates() {
  if (options.discovery) {
    is_discovering = true;
    options.discovery->start(threads, [this](auto found) { take_candidates(std::move(found)); });
  }
  if (!network) return;
  const std::lock_guard lock(candidates_mutex);
  const auto& fixed = options.advertise;
  core.advertise(fixed.empty() ? advertised_address(peer_address, candidates) : fixed);
  core.join(*network);
}

/// The engine hears of answers only: without one it does not know who counts. Logs changes only.
void node::impl::take_candidates(result<std::vector<candidate>> found) {
  was_discovery_answered = true;
  const std::lock_guard lock(candidates_mutex);
  const bool is_empty = found && found->empty() && !candidates.empty();
  if (!found || is_empty) {
    auto why = is_empty ? std::string() : found.error().message() + "; ";
    why += "the known members stay";
    if (discovery_trouble == why) return;
    discovery_trouble = why;
    const auto event = is_empty ? "discovery.empty" : "discovery.failed";
    return hub->log(log_level::warn, event, {{"detail", std::move(why)}});
  }
  const bool is_over = !std::exchange(discovery_trouble, {}).empty();
  const bool is_first = !std::exchange(is_named, true);
  if (is_over || is_first || !same_candidates(*found, candidates)) {
    const auto count = std::to_string(found->size());
    hub->log(log_level::info, "discovery.answered", {{"candidates", count}});
  }
  candidates = std::move(*found);
  if (meets_peers) core.set_candidates(candidates);
}

/// From here on loops of the node run requests, so that nothing of the engine is set up after it.
node::impl::outcome node::impl::open_http_door() {
  if (options.http_address.empty()) return {};
  server = std::make_unique<http_server>(threads.loops(), http_limits{}, door);
  if (auto contexts = tls->http_server()) server->use_tls(std::move(contexts));
  server->on_log([hub = hub](std::string_view remark) {
    hub->log(log_level::warn, "http.remark", {{"detail", std::string(remark)}});
  });
  auto bound = server->listen(options.http_address);
  if (!bound) return start_error{bound.error().code, bound.error().text};
  const std::lock_guard lock(addresses_mutex);
  http_address = std::move(*bound);
  return {};
}

void node::impl::meet_peers() {
  if (!network) return;
  network->start(core.self(), core);
  {
    const std::lock_guard lock(candidates_mutex);
    if (!options.discovery || is_named) core.set_candidates(candidates);
    meets_peers = true;
  }
  if (options.discovery) options.discovery->announce(core.self());
}

boost::system::result<void, start_error> node::start() {
  if (impl_->now != phase::made) {
    throw std::logic_error("weir: start() of a node that was started before");
  }
  auto opened = impl_->open_peer_door();
  if (opened) {
    impl_->find_candidates();
    opened = impl_->open_http_door();
  }
  if (!opened) {
    impl_->hub->log(log_level::error, "node.refused", {{"detail", opened.error().text}});
    impl_->stop();
    return opened;
  }
  impl_->meet_peers();
  impl_->tls->watch();
  impl_->now = phase::started;
  log_fields fields{{"node", id()}, {"cluster", impl_->options.cluster}};
  if (!http_address().empty()) fields.emplace_back("http", http_address());
  if (!peer_address().empty()) {
    fields.emplace_back("peer", peer_address());
    fields.emplace_back("advertise", impl_->core.self().address);
  }
  fields.emplace_back("keyspaces", std::to_string(keyspaces().size()));
  impl_->hub->log(log_level::info, "node.started", std::move(fields));
  return {};
}

void node::drain(milliseconds longest) {
  auto expected = phase::started;
  if (!impl_->now.compare_exchange_strong(expected, phase::draining)) return stop();
  const auto end = steady_clock::now() + longest;
  impl_->hub->log(
      log_level::info, "node.draining", {{"within_ms", std::to_string(longest.count())}}
  );
  const bool has_peers = impl_->network && impl_->core.ring()->size() > 1;
  const auto goodbye = has_peers ? std::min(longest / 5, longest_goodbye) : milliseconds(0);
  const auto linger_end = steady_clock::now() + std::min(longest / 10, longest_linger);
  if (has_peers) {
    impl_->hand_over(std::min(longest / 4, longest_hand_over));
    event().wait_until(linger_end);  // serving on while balancers learn it
  }
  if (impl_->server) {
    const auto finished = std::make_shared<event>();
    impl_->server->drain(end - goodbye, [finished] { finished->set(); });
    finished->wait_until(end - goodbye);
  }
  if (impl_->options.discovery) impl_->options.discovery->leave();
  if (has_peers) {
    const auto told = std::make_shared<event>();
    impl_->core.leave(impl_->threads.now() + goodbye, [told] { told->set(); });
    told->wait_until(steady_clock::now() + goodbye);
  }
  stop();
}

void node::reload_tls() {
  impl_->tls->reload();
}

void node::set_http_tokens(const std::vector<door_token>& tokens) {
  impl_->door.set_tokens(tokens);
}

void node::impl::hand_over(milliseconds longest) {
  const auto began = steady_clock::now();
  const auto ended = std::make_shared<event>();
  const auto taken = std::make_shared<std::atomic<std::size_t>>(0);
  core.hand_over(threads.now() + longest, [ended, taken](std::size_t count) {
    *taken = count;
    ended->set();
  });
  ended->wait_until(began + longest + milliseconds(200));
  const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - began);
  hub->log(
      log_level::info,
      "node.handed_over",
      {{"entries", std::to_string(*taken)}, {"ms", std::to_string(took.count())}}
  );
}

void node::stop() {
  impl_->stop();
}

void node::impl::stop() {
  const auto before = now.exchange(phase::stopped);
  if (before == phase::stopped) return;
  tls->stop();
  if (is_discovering) options.discovery->stop();
  if (server) server->stop();
  if (network) network->stop();
  core.stop();
  threads.stop();
  if (before != phase::made) hub->log(log_level::info, "node.stopped", {{"node", options.id}});
}

keyspace node::add_keyspace(keyspace_options options, source_argument source) {
  auto added = impl_->core.add_keyspace(std::move(options), std::move(source));
  impl_->hub->publish({"keyspace.added", "", std::string(added.name())});
  return added;
}

keyspace node::update_keyspace(keyspace_options options, source_argument source) {
  auto updated = impl_->core.update_keyspace(std::move(options), std::move(source));
  impl_->hub->publish({"keyspace.updated", "", std::string(updated.name())});
  return updated;
}

result<void> node::remove_keyspace(std::string_view name) {
  auto removed = impl_->core.remove_keyspace(name);
  if (removed) impl_->hub->publish({"keyspace.removed", "", std::string(name)});
  return removed;
}

keyspace node::find_keyspace(std::string_view name) const {
  return impl_->core.find_keyspace(name);
}

std::vector<keyspace> node::keyspaces() const {
  return impl_->core.keyspaces();
}

std::vector<member_status> node::members() const {
  return impl_->core.members();
}

lease_status node::lease() const {
  return impl_->core.lease();
}

result<void> node::forget(std::string_view id) {
  return impl_->core.forget(id);
}

std::shared_ptr<const weir::ring> node::ring() const {
  return impl_->core.ring();
}

key_place node::place_of(std::string_view keyspace, std::string_view key) const {
  return impl_->core.place_of(keyspace, key);
}

void node::on_event(std::function<void(const cluster_event&)> listener) {
  impl_->hub->add(std::move(listener));
}

std::string node::metrics() const {
  return impl_->door.metrics();
}

const std::string& node::id() const noexcept {
  return impl_->options.id;
}

std::vector<asio::io_context*> node::loops() const {
  return impl_->threads.loops();
}

std::string node::peer_address() const {
  const std::lock_guard lock(impl_->addresses_mutex);
  return impl_->now == phase::stopped ? std::string() : impl_->peer_address;
}

std::string node::http_address() const {
  const std::lock_guard lock(impl_->addresses_mutex);
  return impl_->now == phase::stopped ? std::string() : impl_->http_address;
}

bool node::is_ready() const {
  const auto checks = impl_->readiness();
  return std::none_of(checks.begin(), checks.end(), [](const readiness_check& each) {
    return each.state == check_state::failed;
  });
}

}  // namespace weir
