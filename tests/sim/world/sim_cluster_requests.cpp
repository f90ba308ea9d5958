// The clients of a cluster: their requests, and what they note of each.

#include "tests/sim/world/sim_cluster.hpp"
#include "tests/sim/world/sim_value.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

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

}  // namespace weir::sim
