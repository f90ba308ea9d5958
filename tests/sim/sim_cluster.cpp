#include "tests/sim/sim_cluster.hpp"

#include "tests/sim/sim_value.hpp"

#include <weir/engine/slot.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>

namespace weir::sim {

namespace {

// What a client puts beside the label; every tenth value is a large one.
constexpr std::size_t small_put = 8;
constexpr std::size_t large_put = 8192;

}  // namespace

/// The client's end of one request: it notes the first ending, counts further ones, and notices
/// when the engine forgets it.
class cluster::open_request {
 public:
  open_request(cluster& in, std::uint64_t number) : in_(in), number_(number) {}

  ~open_request() {
    if (record().endings == 0) end(request_end::died);
  }

  request_record& record() { return in_.history_.requests[number_ - 1]; }

  void end(request_end how, error_code error = {}) {
    request_record& of = record();
    if (++of.endings > 1) return;
    of.end = how;
    of.error = error;
    of.ended = in_.world_.now();
    of.views_at_end = in_.common_view();
    in_.world_.note(mix(number_) ^ static_cast<std::uint64_t>(how));
    if (const auto wrong = in_.oracle_.judge(of)) blame(*wrong);
  }

  void end(const result<lookup>& got) {
    request_record& of = record();
    if (!got) {
      end(got.error() == errc::not_found ? request_end::not_found : request_end::failed,
          got.error());
      return;
    }
    of.from = got->entry.from;
    of.version = got->entry.version;
    of.age = got->entry.age;
    if (!got->found && got->entry.meta) of.label = read_value(got->entry.meta->etag);
    if (got->found) {
      of.label = read_value(got->entry.value.view());
      of.is_intact = of.label.has_value();
      of.size = got->entry.value.size();
    }
    end(got->found ? request_end::value : request_end::not_found);
  }

  void end(const result<change_result>& got) {
    if (!got) return end(request_end::failed, got.error());
    record().version = got->version;
    record().unconfirmed = got->unconfirmed;
    record().bound = got->bound;
    end(got->is_partial() ? request_end::partial : request_end::ok);
  }

 private:
  // Time stops where a promise is broken, with what led to it.
  void blame(const std::string& what) {
    if (in_.is_broken()) return;
    const request_record& of = record();
    in_.history_.violations.push_back(
        "request " + std::to_string(of.number) + " (" + std::string(name(of.kind)) + ' ' +
        of.keyspace + '/' + of.key + " at " + id_of(of.node) + ", started at " +
        std::to_string(static_cast<double>(of.started.count()) / 1e9) + " s): " + what + '\n' +
        in_.oracle_.around(of)
    );
    in_.world_.stop();
  }

  cluster& in_;
  const std::uint64_t number_;
};

cluster::cluster(cluster_options options)
    : options_(std::move(options)),
      world_(options_.seed),
      wires_(world_, options_.seed),
      source_(world_, options_.seed),
      random_(options_.seed, 0xc105),
      oracle_(world_, source_, history_, options_.keyspaces) {
  if (options_.keyspaces.empty()) {
    keyspace_options users;
    users.name = "users";
    users.writes = writes::allow;
    options_.keyspaces.push_back(users);
  }
  const std::size_t started = std::min(options_.start_nodes, options_.nodes);
  nodes_.resize(options_.nodes);
  std::vector<std::size_t> all;
  for (std::size_t i = 0; i != options_.nodes; ++i) {
    nodes_[i].is_known = options_.knows_late_nodes || i < started;
    if (nodes_[i].is_known) all.push_back(i);
  }
  wires_.watch([this](const peer_request& request) { received(request); });
  add_ring();
  for (node& n : nodes_) {
    const std::int64_t ppm =
        static_cast<std::int64_t>(random_.uniform(-1, 1) * static_cast<double>(options_.most_ppm));
    n.on.clock = node_clock(ppm, random_.between(1s, 100'000s));
    n.on.coarse_tick = random_.between(1ms, 10ms);
    n.on.clock_stops_in_freeze = options_.clock_stops_in_freeze;
    n.candidates = all;
  }
  for (std::size_t i = 0; i != started; ++i) boot(i);
  source_.watch([this](std::size_t node) { look_at_lease(node); });
  watch_leases();
}

cluster::~cluster() {
  for (std::size_t i = 0; i != nodes_.size(); ++i)
    if (is_up(i)) destroy(i, going_down::process);
}

bool cluster::run_until(const std::function<bool()>& done, duration at_most) {
  return world_.run_until(done, world_.now() + at_most);
}

// ---- lives and deaths

void cluster::boot(std::size_t number, duration discovery_answers_after) {
  node& n = nodes_[number];
  n.on.seed = random_.next();
  n.drops = 0;
  n.env = std::make_unique<sim_environment>(world_, ++last_owner_, n.on);
  identity self{"sim", id_of(number), last_owner_, 1, address_of(number)};
  if (options_.but_identity) options_.but_identity(number, self);
  n.net = std::make_unique<sim_network>(wires_, *n.env, self);
  n.env->run([this, &n, number, self] {
    engine_options options = options_.engine;
    if (options_.but) options_.but(number, options);
    n.engine = std::make_unique<weir::engine>(*n.env, self, options);
    for (const keyspace_options& options : options_.keyspaces)
      n.engine->add_keyspace(options, source_.at(number, *n.env, options.name));
    n.engine->join(*n.net);
    n.net->listen(*n.engine);
  });
  if (discovery_answers_after == 0ns) return set_candidates(number, n.candidates);
  auto answer = [this, number, life = last_owner_] {
    if (is_up(number) && nodes_[number].env->owner() == life)
      set_candidates(number, nodes_[number].candidates);
  };
  world_.after(discovery_answers_after, std::move(answer));
}

// The frames go first, while engine and network are there; then the engine, which may make handlers
// ready once more; then those, with the loop.
void cluster::destroy(std::size_t number, going_down how) {
  node& n = nodes_[number];
  if (n.is_frozen) thaw(number);
  n.env->die();
  n.net->crash(how);
  n.env->crash();
  n.sessions.clear();
  n.engine.reset();
  n.env->crash();
  n.net.reset();
  n.env.reset();
}

void cluster::kill(std::size_t node, going_down how) {
  if (!is_up(node)) return;
  history_.faults.push_back({fault_kind::crash, node, node, now()});
  destroy(node, how);
}

void cluster::restart(std::size_t node, duration discovery_answers_after) {
  if (is_up(node)) return;
  end_fault(fault_kind::crash, node, node);
  boot(node, discovery_answers_after);
}

void cluster::freeze(std::size_t node) {
  if (!is_up(node) || is_frozen(node)) return;
  nodes_[node].is_frozen = true;
  ++nodes_[node].freezes;
  nodes_[node].frozen_at = now();
  world_.hold(nodes_[node].env->owner());
  history_.faults.push_back({fault_kind::freeze, node, node, now()});
}

void cluster::freeze(std::size_t node, duration time) {
  freeze(node);
  auto end = [this, node, freeze = nodes_[node].freezes] {
    if (nodes_[node].freezes == freeze) thaw(node);
  };
  world_.after(time, std::move(end));
}

void cluster::thaw(std::size_t node) {
  if (!is_up(node) || !is_frozen(node)) return;
  nodes_[node].is_frozen = false;
  nodes_[node].env->slept(now() - nodes_[node].frozen_at);
  world_.release(nodes_[node].env->owner());
  end_fault(fault_kind::freeze, node, node);
}

void cluster::cut(std::size_t from, std::size_t to) {
  if (wires_.is_cut(address_of(from), address_of(to))) return;
  wires_.cut(address_of(from), address_of(to));
  history_.faults.push_back({fault_kind::cut, from, to, now()});
}

void cluster::cut_both(std::size_t a, std::size_t b) {
  cut(a, b);
  cut(b, a);
}

void cluster::mend(std::size_t from, std::size_t to) {
  wires_.heal(address_of(from), address_of(to));
  end_fault(fault_kind::cut, from, to);
}

void cluster::spoil_wires(const wire_faults& faults) {
  wires_.set_faults(faults);
  end_fault(fault_kind::wires, 0, 0);
  if (faults.loss > 0 || faults.duplicate > 0 || faults.tail > 0)
    history_.faults.push_back({fault_kind::wires, 0, 0, now()});
}

void cluster::heal() {
  wires_.heal();
  spoil_wires({});
  for (std::size_t i = 0; i != size(); ++i) {
    thaw(i);
    if (!is_up(i)) restart(i);
  }
  for (std::size_t i = 0; i != size(); ++i)
    if (!is_known(i)) begin_change(fault_kind::join, i);
  std::vector<std::size_t> all(size());
  std::iota(all.begin(), all.end(), 0);
  for (std::size_t i = 0; i != size(); ++i) set_candidates(i, all);
  for (fault_record& fault : history_.faults) fault.until = std::min(fault.until, now());
}

void cluster::end_fault(fault_kind kind, std::size_t node, std::size_t other) {
  for (fault_record& fault : history_.faults)
    if (fault.kind == kind && fault.node == node && fault.other == other)
      fault.until = std::min(fault.until, now());
}

// ---- membership

void cluster::set_candidates(std::size_t node, const std::vector<std::size_t>& others) {
  std::vector<candidate> named;
  for (const std::size_t other : others)
    named.push_back({options_.knows_ids ? id_of(other) : std::string(), address_of(other)});
  nodes_[node].candidates = others;
  tell(node, std::move(named));
}

// An empty answer changes nothing, as in node::impl::take_candidates().
void cluster::tell(std::size_t node, std::vector<candidate> named) {
  if (named.empty()) return;
  if (!is_up(node)) return;
  auto tell = [engine = nodes_[node].engine.get(), named = std::move(named)]() mutable {
    engine->set_candidates(std::move(named));
  };
  if (is_frozen(node)) {
    nodes_[node].env->run_at(now(), std::move(tell));
  } else {
    nodes_[node].env->run(std::move(tell));
  }
}

void cluster::name_candidate(std::size_t node, std::size_t other) {
  auto named = nodes_[node].candidates;
  if (std::find(named.begin(), named.end(), other) == named.end()) named.push_back(other);
  set_candidates(node, named);
}

void cluster::drop_candidate(std::size_t node, std::size_t other) {
  auto named = nodes_[node].candidates;
  std::erase(named, other);
  if (2 * named.size() <= size()) return;  // discovery never gives disjoint answers
  set_candidates(node, named);
}

void cluster::begin_change(fault_kind kind, std::size_t node) {
  history_.faults.push_back({kind, node, node, now()});
  if (kind != fault_kind::join) return;
  nodes_[node].is_known = true;
  add_ring();
}

void cluster::leave(std::size_t node) {
  begin_change(fault_kind::leave, node);
  sim_environment& env = *nodes_[node].env;
  env.run([&] { at(node).leave(env.now() + 1s, [] {}); });
}

// ---- leases: who had none when, for those who ask why the source was called

void cluster::watch_leases() {
  for (std::size_t i = 0; i != size(); ++i)
    if (is_up(i) && !is_frozen(i)) look_at_lease(i);
  world_.after(200ms, [this] { watch_leases(); });
}

void cluster::look_at_lease(std::size_t node) {
  const change_stats changes = at(node).changes();
  const std::uint64_t drops = changes.dropped_all + changes.lease_losses;
  const bool is_valid = at(node).lease().is_valid && drops == nodes_[node].drops;
  nodes_[node].drops = drops;
  if (!is_valid) history_.lease_losses.push_back({node, now()});
}

// ---- requests

std::uint64_t cluster::start(std::size_t node, request what) {
  if (what.keyspace.empty()) what.keyspace = options_.keyspaces[0].name;
  request_record record;
  const std::uint64_t number = record.number = history_.requests.size() + 1;
  record.kind = what.kind;
  record.node = node;
  record.keyspace = what.keyspace;
  record.key = what.key;
  record.session = what.session;
  record.ttl = what.ttl;
  record.basis = what.basis;
  record.started = record.received = record.due = now();
  history_.requests.push_back(std::move(record));
  auto open = std::make_shared<open_request>(*this, number);
  if (!is_up(node)) return number;  // nobody listens: connection lost
  history_.requests.back().incarnation = nodes_[node].env->owner();
  auto begin = [this, node, what = std::move(what), open = std::move(open)]() mutable {
    request_record& of = open->record();
    sim_environment& env = *nodes_[node].env;
    of.started = of.received = now();  // a read starts when its node has parsed it
    of.views_at_start = common_view();
    of.due = env.when(env.now() + what.timeout);
    weir::keyspace on = nodes_[node].engine->find_keyspace(what.keyspace);
    if (what.kind == request_kind::put) {
      // The client writes the database first and then tells the cache.
      const std::uint64_t version = source_.write(what.keyspace, what.key);
      of.label = value_label{what.keyspace, what.key, version, maker::put, ++puts_};
      history_.put_requests.push_back(of.number);
    }
    if (what.kind == request_kind::remove) oracle_.removal_received(what.keyspace, what.key);
    if (what.session == 0) {
      auto work = perform(std::move(on), std::move(what), std::move(open));
      asio::co_spawn(env.executor(), std::move(work), asio::detached);
      return;
    }
    auto& sessions = nodes_[node].sessions;
    weir::session with =
        sessions.try_emplace({what.session, what.keyspace}, on.session()).first->second;
    auto work = perform(std::move(with), std::move(what), std::move(open));
    asio::co_spawn(env.executor(), std::move(work), asio::detached);
  };
  nodes_[node].env->run_at(now(), std::move(begin));
  return number;
}

// Puts and removals take effect where they are received, which a frozen or cut off node does late.
void cluster::received(const peer_request& request) {
  const auto* change = std::get_if<change_request>(&request.body);
  if (change == nullptr) return;
  if (change->kind == change_kind::remove) oracle_.removal_received(change->keyspace, change->key);
  if (change->kind != change_kind::put) return;
  const auto label = read_value(change->value.view());
  if (label && label->made_by == maker::put)
    history_.requests[history_.put_requests[label->number - 1] - 1].received = now();
}

template <class Target>
asio::awaitable<void> cluster::perform(
    Target on, request what, std::shared_ptr<open_request> open
) {
  change_options change;
  change.condition = what.condition;
  change.timeout = what.timeout;
  switch (what.kind) {
    case request_kind::get:
    case request_kind::owner_get:
    case request_kind::fresh_get: {
      get_options options;
      options.timeout = what.timeout;
      if (what.kind == request_kind::owner_get) options.from = read_from::owner;
      if (what.kind == request_kind::fresh_get) options.from = read_from::source;
      const result<lookup> got = co_await on.async_find(what.key, options);
      open->end(got);
      break;
    }
    case request_kind::put: {
      put_options options;
      options.ttl = what.ttl;
      options.condition = what.condition;
      options.timeout = what.timeout;
      const value_label& label = *open->record().label;
      bytes value(write_value(label, label.number % 10 == 0 ? large_put : small_put));
      const result<change_result> got = co_await on.async_put(what.key, std::move(value), options);
      open->end(got);
      break;
    }
    case request_kind::remove: {
      const result<change_result> got = co_await on.async_remove(what.key, change);
      open->end(got);
      break;
    }
    case request_kind::invalidate: {
      const result<change_result> got = co_await on.async_invalidate(what.key, change);
      open->end(got);
      break;
    }
    case request_kind::clear: {
      const result<change_result> got = co_await on.async_clear(change);
      open->end(got);
      break;
    }
  }
}

request_record cluster::run(std::size_t node, request what) {
  const duration limit = what.timeout + 60s;
  const std::uint64_t number = start(node, std::move(what));
  const auto is_over = [&] { return outcome(number).endings > 0; };
  if (!run_until(is_over, limit))
    throw std::runtime_error(is_broken() ? past().violations[0] : "a request was never answered");
  return outcome(number);
}

request_record cluster::invalidate(std::size_t node, const std::string& key) {
  return run(node, {.kind = request_kind::invalidate, .key = key});
}

request_record cluster::put(std::size_t node, const std::string& key, precondition condition) {
  return run(node, {.kind = request_kind::put, .key = key, .condition = condition});
}

// ---- what there is

weir::keyspace cluster::keyspace(std::size_t node, const std::string& name) {
  return at(node).find_keyspace(name.empty() ? options_.keyspaces[0].name : name);
}

void cluster::add_ring() {
  std::vector<member> members;
  for (std::size_t i = 0; i != size(); ++i)
    if (is_known(i)) members.push_back({id_of(i), 0, 1, address_of(i)});
  rings_.emplace_back(now(), std::make_unique<weir::ring>(members, options_.engine.ring));
}

const weir::ring& cluster::ring_at(instant when) const {
  auto last = rings_.rbegin();
  while (last->first > when && last != std::prev(rings_.rend())) ++last;
  return *last->second;
}

std::uint16_t cluster::slot(const std::string& key, const std::string& keyspace) const {
  return slot_of(keyspace.empty() ? options_.keyspaces[0].name : keyspace, key);
}

std::size_t cluster::owner(const std::string& key, const std::string& keyspace, instant when)
    const {
  return std::stoul(ring_at(when).owner(slot(key, keyspace)).id.substr(1));
}

std::size_t cluster::gutter(const std::string& key, const std::string& keyspace, instant when)
    const {
  return std::stoul(ring_at(when).gutter(slot(key, keyspace)).id.substr(1));
}

std::string cluster::key_of(std::size_t node, int number) const {
  for (int i = 0;; ++i) {
    const std::string key = "k" + std::to_string(i);
    if (owner(key) == node && number-- == 0) return key;
  }
}

std::string cluster::key_between(std::size_t owns, std::size_t stands_in) const {
  for (int i = 0;; ++i) {
    const std::string key = "k" + std::to_string(i);
    if (owner(key) == owns && gutter(key) == stands_in) return key;
  }
}

std::size_t cluster::loads(const std::string& key) const {
  const auto& loads = source_.loads();
  return static_cast<std::size_t>(std::count_if(loads.begin(), loads.end(), [&](const auto& load) {
    return load.key == key;
  }));
}

bool cluster::reaches(std::size_t from, std::size_t node) const {
  if (!is_up(from)) return false;
  for (const member_status& m : nodes_[from].engine->members())
    if (m.id == id_of(node)) return m.state == member_state::reachable;
  return false;
}

std::uint64_t cluster::common_view() const {
  std::uint64_t common = 0;
  for (const node& n : nodes_) {
    if (n.engine == nullptr) continue;
    const std::uint64_t digest = n.engine->view_digest();
    if (common == 0) common = digest;
    if (digest != common) return 0;
  }
  return common;
}

}  // namespace weir::sim
