#include "tests/sim/world/sim_cluster.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace weir::sim {

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
  if (!options_.told_keyspace.empty()) source_.feeds().tell(options_.told_keyspace, {});
  source_.feeds().watch(
      {.told = [this](
                   owner_id life, const auto& keyspace, const auto& key, instant made
               ) { oracle_.told(life, keyspace, key, made); },
       .reset =
           [this](owner_id life, const auto& keyspace) { oracle_.told_of_reset(life, keyspace); }}
  );
  add_ring();
  for (node& n : nodes_) {
    const std::int64_t ppm =
        static_cast<std::int64_t>(random_.uniform(-1, 1) * static_cast<double>(options_.most_ppm));
    n.on.clock = node_clock(ppm, random_.between(1s, 100'000s));
    n.on.coarse_tick = random_.between(1ms, 10ms);
    n.on.clock_stops_in_freeze = options_.clock_stops_in_freeze;
    n.candidates = all;
  }
  for (std::size_t i = 0; i != started; ++i) nodes_[i].is_serving = true;
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

// When all who could tell of a node have started anew within a lease of it, discovery has to.
void cluster::name_survivors(std::size_t number) {
  constexpr duration remembered = 4s;
  if (!nodes_[number].booted_at) return;  // its first life
  auto& named = nodes_[number].candidates;
  const auto is_named = [&](std::size_t other) {
    return std::find(named.begin(), named.end(), other) != named.end();
  };
  for (std::size_t other = 0; other != size(); ++other) {
    const bool remembers = other != number && is_up(other) && !is_frozen(other) &&
                           now() - *nodes_[other].booted_at > remembered;
    if (remembers && is_named(other)) return;
  }
  for (std::size_t other = 0; other != size(); ++other)
    if (other != number && is_up(other) && !is_named(other)) named.push_back(other);
}

void cluster::boot(std::size_t number, duration discovery_answers_after) {
  node& n = nodes_[number];
  n.booted_at = now();
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
  if (options_.marks_serving && !n.is_serving) serve_later(number);
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
  if (options_.marks_serving) mark(node, false);
}

void cluster::serve_later(std::size_t number) {
  auto serve = [this, number, life = last_owner_] {
    if (is_up(number) && nodes_[number].env->owner() == life) mark(number, true);
  };
  world_.after(1s, std::move(serve));
}

void cluster::restart(std::size_t node, duration discovery_answers_after) {
  if (is_up(node)) return;
  end_fault(fault_kind::crash, node, node);
  name_survivors(node);
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
    nodes_[i].is_deaf = false;
    nodes_[i].is_serving = true;
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
  for (const std::size_t other : others) {
    named.push_back({options_.knows_ids ? id_of(other) : std::string(), address_of(other)});
    if (options_.marks_serving) named.back().is_serving = nodes_[other].is_serving;
  }
  nodes_[node].candidates = others;
  if (nodes_[node].is_deaf) return;
  if (is_up(node)) nodes_[node].told_life = nodes_[node].env->owner();
  tell(node, std::move(named));
}

void cluster::mark(std::size_t node, bool is_serving) {
  if (std::exchange(nodes_[node].is_serving, is_serving) == is_serving) return;
  for (std::size_t at = 0; at != size(); ++at)
    if (is_up(at)) set_candidates(at, nodes_[at].candidates);
}

// As node::impl::take_candidates() does when an error comes.
void cluster::note_lost_discovery(std::size_t node) {
  const bool was_told = is_up(node) && nodes_[node].told_life == nodes_[node].env->owner();
  if (!nodes_[node].is_deaf || !was_told) return;
  std::vector<candidate> named;
  for (const std::size_t other : nodes_[node].candidates)
    named.push_back({options_.knows_ids ? id_of(other) : std::string(), address_of(other)});
  tell(node, std::move(named));
}

void cluster::regain_discovery(std::size_t node) {
  nodes_[node].is_deaf = false;
  set_candidates(node, nodes_[node].candidates);
}

// An empty answer changes nothing, as in node::impl::take_candidates().
void cluster::tell(std::size_t node, std::vector<candidate> named) {
  if (named.empty()) return;
  if (!is_up(node)) return;
  const auto number = ++nodes_[node].answers;
  auto tell = [this, node, number, named = std::move(named)]() mutable {
    if (number < nodes_[node].last_answer) return;  // a thaw brings them in any order
    nodes_[node].last_answer = number;
    nodes_[node].engine->set_candidates(std::move(named));
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

void cluster::drop_unlinked(std::size_t node, std::size_t other) {
  const bool may_drop = 2 * (nodes_[node].candidates.size() - 1) > size();
  // A frozen node would hear of the loss later, perhaps when the other is named again: what says
  // that the link is gone must come with the answer that ends it.
  if (!may_drop || !is_up(node) || is_frozen(node)) return drop_candidate(node, other);
  nodes_[node].env->run([this, node, other] {
    nodes_[node].engine->on_link_down(address_of(other), link_loss::reset);
  });
  drop_candidate(node, other);
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

}  // namespace weir::sim
