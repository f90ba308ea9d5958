#include "tests/sim/courses/sim_workload.hpp"

#include <algorithm>
#include <cmath>

namespace weir::sim {

namespace {

std::size_t rank(const std::vector<double>& cumulated, double at) {
  return static_cast<std::size_t>(
      std::upper_bound(cumulated.begin(), cumulated.end(), at) - cumulated.begin()
  );
}

}  // namespace

workload::workload(cluster& on, workload_habits habits)
    : on_(on), habits_(std::move(habits)), random_(on.options().seed, 0x3ead) {
  double sum = 0;
  for (std::size_t i = 0; i != habits_.keys; ++i) {
    sum += 1.0 / std::pow(static_cast<double>(i + 1), habits_.skew);
    popularity_.push_back(sum);
  }
  sum = 0;
  for (const keyspace_options& each : on_.options().keyspaces)
    weights_.push_back(sum += habits_of(each.name).weight);
}

const keyspace_habits& workload::habits_of(const std::string& keyspace) const {
  static const keyspace_habits usual;
  const auto found = habits_.keyspaces.find(keyspace);
  return found == habits_.keyspaces.end() ? usual : found->second;
}

void workload::run(instant until) {
  until_ = until;
  arrive();
}

void workload::arrive() {
  const duration gap(static_cast<std::int64_t>(1e9 / habits_.requests_per_second));
  const instant next = on_.now() + random_.exponential(gap, 100 * gap);
  if (next >= until_) return;
  auto send = [this] {
    cluster::request what = draw();
    const std::size_t node = draw_node();
    const row where{what.keyspace, what.key};
    const bool is_read = what.kind <= request_kind::fresh_get;
    if (!is_read) read_again(what);
    const std::uint64_t number = on_.start(node, std::move(what));
    if (is_read) last_read_[where] = number;
    arrive();
  };
  on_.world().at(next, std::move(send));
}

void workload::read_again(const cluster::request& changed) {
  for (std::size_t i = 0; i != habits_.echoes; ++i) {
    cluster::request echo;
    echo.keyspace = changed.keyspace;
    echo.key = changed.key.empty() ? "k0" : changed.key;
    echo.timeout = habits_.timeout;
    auto send = [this, node = draw_node(), echo = std::move(echo)] { on_.start(node, echo); };
    on_.world().after(random_.between(0ns, habits_.echo_within), std::move(send));
  }
}

cluster::request workload::draw() {
  const auto& keyspaces = on_.options().keyspaces;
  cluster::request what;
  what.keyspace = keyspaces[rank(weights_, random_.uniform(0, weights_.back()))].name;
  what.key = "k" + std::to_string(rank(popularity_, random_.uniform(0, popularity_.back())));
  what.timeout = habits_.timeout;
  if (random_.chance(0.5)) what.session = 1 + random_.below(habits_.sessions);
  const keyspace_habits& of = habits_of(what.keyspace);
  if (random_.chance(of.silent_writes)) on_.source().write(what.keyspace, what.key);
  draw_kind(what, of);
  return what;
}

void workload::draw_kind(cluster::request& what, const keyspace_habits& of) {
  double share = random_.uniform();
  const auto falls_to = [&](double probability) { return (share -= probability) < 0; };
  if (falls_to(of.invalidations)) {
    on_.source().write(what.keyspace, what.key);
    what.kind = request_kind::invalidate;
  } else if (falls_to(of.puts)) {
    what.kind = request_kind::put;
  } else if (falls_to(of.conditional_puts)) {
    if (give_basis(what)) what.kind = request_kind::put;
  } else if (falls_to(of.removals)) {
    what.kind = request_kind::remove;
  } else if (falls_to(of.clears)) {
    what.kind = request_kind::clear;
    what.key.clear();
  } else if (falls_to(of.owner_reads)) {
    what.kind = request_kind::owner_get;
  } else if (falls_to(of.fresh_reads)) {
    what.kind = request_kind::fresh_get;
  }
}

// The version that some client read last, or some time ago: the older it is, the likelier a change
// came between.
bool workload::give_basis(cluster::request& what) {
  const row where{what.keyspace, what.key};
  std::uint64_t number = last_read_[where];
  std::uint64_t& old = old_read_[where];
  if (old == 0 || random_.chance(habits_.fresh_basis)) old = number;
  if (random_.chance(0.5)) number = old;
  if (number == 0) return false;
  const request_record& read = on_.outcome(number);
  const bool is_answered = read.end == request_end::value || read.end == request_end::not_found;
  if (!is_answered || !read.version) return false;
  what.condition = precondition::if_unchanged(read.version);
  what.basis = observation{read.version, read.ended};
  return true;
}

// Clients leave a dead node for another; only now and then one still tries it.
std::size_t workload::draw_node() {
  const std::size_t node = random_.below(on_.size());
  if (on_.is_up(node) || random_.chance(0.1)) return node;
  return random_.below(on_.size());
}

}  // namespace weir::sim
