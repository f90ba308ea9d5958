// The path of one get, in call order: hit, join, fly, fetch. How long it waits for a silent owner
// is in hedge.cpp, loading in load.cpp, what an owner or gutter node answers in serve.cpp.

#include "async/await.hpp"
#include "keyspace/keyspace_core.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>

namespace weir {
namespace {

constexpr milliseconds error_good_for{1'000};  // an owner's failure, for callers that join then

}  // namespace

boost::system::result<void> keyspace_core::check_key(std::string_view key) const {
  if (const auto opened = open(); !opened) return opened;
  if (key.empty()) return errc::bad_key;
  if (key.size() > options_.max_key()) return errc::too_large;
  return {};
}

error keyspace_core::located(const error& why, std::string_view key, std::string_view detail)
    const {
  if (!why.keyspace().empty() || why == errc::not_found) return why;
  return {
      why.code(),
      error_context{
          .keyspace = options_.name(),
          .key = std::string(key),
          .detail = std::string(why.detail().empty() ? detail : why.detail()),
          .remark = std::string(why.remark()),
      }};
}

void keyspace_core::find(
    std::string key, get_options options, completion<result<lookup>> done, std::uint64_t batch
) {
  if (const auto checked = check_key(key); !checked) {
    if (const auto next = successor()) {
      return next->find(std::move(key), options, std::move(done), batch);
    }
    count_read(checked.error(), options.attempt);
    return std::move(done)(checked.error());
  }
  if (options.from == read_from::near) {
    lookup found;
    if (held_.hit(key, found, options.attempt)) return std::move(done)(std::move(found));
  }
  const auto hash = held_.hash_of(key);
  const auto route = context_->route.get();
  const auto kind = route->ring->owner_index(slot_of(options_.name(), key)) == route->self
                        ? flight_kind::owner
                        : flight_kind::fetch;
  if (kind == flight_kind::owner) {
    if (options.from == read_from::source) refresh(key);
    lookup found;
    if (options.from == read_from::owner && held_.hit_owned(key, found, options.attempt))
      return std::move(done)(std::move(found));
    options.from = read_from::near;
  }
  const auto deadline = env().now() + options.timeout;
  auto counted = counting(std::move(done), options.attempt);
  join(key, hash, kind, options, deadline, std::move(counted), {.batch = batch});
}

void keyspace_core::join(
    const std::string& key,
    std::uint64_t hash,
    flight_kind kind,
    const get_options& options,
    time_point deadline,
    completion<result<lookup>> done,
    flight_traits traits
) {
  if (options_.is_disabled()) return std::move(done)(lookup{});
  auto& s = held_.shard_of(hash);
  auto added = std::make_shared<waiter>();
  added->done = std::move(done);
  added->deadline = deadline;
  added->explain = options.explain;
  std::shared_ptr<flight> started;
  {
    const std::lock_guard lock(s.mutex);
    auto& current = s.flights[key].current[static_cast<std::size_t>(kind)];
    // Without a lease this node may have missed the change that overtook the flight.
    const bool may_join =
        held_.may_serve(held_.hit_time()) || !context_->rules.join_only_with_lease;
    added->has_joined = may_join && current &&
                        (options.from != read_from::source || current->from == read_from::source);
    if (added->has_joined) {
      added->joined_at = env().now();
      current->waiters.push_back(added);
    } else {
      started = std::make_shared<flight>(flight{
          .key = key,
          .hash = hash,
          .slot = slot_of(options_.name(), key),
          .kind = kind,
          .explains = options.explain != nullptr,
          .from = options.from,
          .batch = traits.batch,
          .deadline = deadline,
          .adopts = traits.adopts,
      });
      started->waiters.push_back(added);
      started->is_alone = !may_join;
      if (may_join) {
        if (current) current->is_overtaken = true;  // no change can find it any more
        current = started;
      }
    }
  }
  if (!traits.adopts) counters_.misses.fetch_add(1, std::memory_order_relaxed);
  if (!context_->has_lease(held_.hit_time())) keyspace_counters::add(counters_.unleased);
  if (added->has_joined) counters_.joined.fetch_add(1, std::memory_order_relaxed);
  // The network ends a fetch by the deadline of its first caller; every other caller needs a timer.
  if (kind != flight_kind::fetch || added->has_joined) arm(added);
  if (!started) return;
  if (traits.together != nullptr) {
    traits.together->push_back(std::move(started));
  } else {
    start(std::move(started));
  }
}

void keyspace_core::arm(const std::shared_ptr<waiter>& waiting) {
  waiting->timer = env().schedule(waiting->deadline, [waiting] {
    if (!waiting->is_answered.exchange(true)) std::move(waiting->done)(errc::deadline_exceeded);
  });
}

asio::awaitable<void> keyspace_core::fly(std::shared_ptr<flight> flown) {
  const auto self = shared_from_this();
  result<lookup> answer = errc::source_failed;
  try {
    if (flown->kind == flight_kind::fetch) {
      answer = co_await fetch(flown);
    } else {
      answer = co_await load(*flown);
    }
  } catch (const std::exception&) {
    // Only memory can run out here; the source's own exceptions end in call_source().
    answer = errc::overloaded;
  }
  finish(flown, answer);
}

asio::awaitable<result<lookup>> keyspace_core::fetch(const std::shared_ptr<flight>& flown) {
  flight& f = *flown;
  {
    auto& s = held_.shard_of(f.hash);
    const std::lock_guard lock(s.mutex);
    f.has_begun = true;  // from now on a change overtakes it, whichever node answers
  }
  for (int attempt = 0; attempt != 2; ++attempt) {
    const auto route = context_->route.get();
    const auto owner = route->ring->owner_index(f.slot);
    if (owner == route->self) {  // the slot came here meanwhile
      auto as_owner = [&](completion<result<lookup>> done) {
        const get_options options;
        if (f.from == read_from::source) refresh(f.key);
        const flight_traits traits{.batch = f.batch};
        join(f.key, f.hash, flight_kind::owner, options, f.deadline, std::move(done), traits);
      };
      auto own = co_await await_result<lookup>(as_owner);
      if (own) f.good_until = good_until(*own);
      co_return own;
    }
    if (goes_around(f, *route, owner)) {
      auto instead = co_await ask_gutter(f, *route);
      if (instead && !instead->error) co_return std::move(instead->answer);
      if (instead && instead->error != errc::no_keyspace) co_return instead->error;
      if (!instead && instead.error() != errc::unavailable) co_return instead.error();
    }
    auto reply = co_await ask_owner(flown, route, owner);
    if (!reply) {
      if (reply.error() != errc::unavailable) co_return reply.error();
      co_return co_await fetch_without_owner(f, *route);
    }
    if (!reply->error) co_return std::move(reply->answer);
    if (reply->error == errc::no_keyspace) break;
    if (reply->error != errc::not_owner) co_return reply->error;
    context_->learn(reply->view);
  }
  co_return co_await pass_through(f);  // views differ, or the peer lacks the keyspace
}

// Asks for what this node does not have; of an expired near copy, only whether it changed.
asio::awaitable<result<get_reply>> keyspace_core::ask_owner(
    const std::shared_ptr<flight>& flown,
    const std::shared_ptr<const routing>& route,
    std::uint16_t index
) {
  flight& f = *flown;
  const auto& owner = route->at(index).id;
  const auto held = near_version(f);
  auto first = co_await ask_or_hedge(flown, route, index, held);
  if (first && first->is_of_gutter) co_return std::move(first->reply);
  if (first && !first->reply.error && first->reply.is_unchanged) {
    if (auto revived = revive_near(f, route, owner, first->reply, held)) {
      first->reply.answer = std::move(*revived);
      co_return std::move(first->reply);
    }
    first = co_await ask_or_hedge(flown, route, index, {});
  }
  if (!first) co_return first.error();
  const bool is_of_owner = !first->is_of_gutter && !first->reply.error;
  if (is_of_owner) keep_near(f, route, owner, first->reply);
  co_return std::move(first->reply);
}

asio::awaitable<result<lookup>> keyspace_core::fetch_without_owner(
    flight& f, const routing& route
) {
  const bool is_here = route.ring->gutter_index(f.slot) == route.self;
  auto reply = co_await ask_gutter(f, route);
  if (reply && !reply->error) co_return std::move(reply->answer);
  if (reply && (is_here || reply->error != errc::no_keyspace)) co_return reply->error;
  if (!reply && reply.error() != errc::unavailable) co_return reply.error();
  co_return co_await pass_through(f);
}

asio::awaitable<result<get_reply>> keyspace_core::ask_gutter(flight& f, const routing& route) {
  const auto gutter = route.ring->gutter_index(f.slot);
  if (gutter != route.self) {
    leave_at_gutter(f);
    co_return co_await ask(f, route, gutter, serve_as::gutter);
  }
  auto as_gutter = [&](completion<result<get_reply>> done) {
    const auto left = std::chrono::ceil<milliseconds>(f.deadline - env().now());
    auto take = [done = std::move(done)](get_reply reply) mutable {
      std::move(done)(std::move(reply));
    };
    serve(request_of(f, serve_as::gutter), left, std::move(take));
  };
  auto reply = co_await await_result<get_reply>(as_gutter);
  if (reply && !reply->error) f.good_until = good_until(reply->answer);
  co_return reply;
}

// The gutter node may not have heard of a change that this node knows already: later callers ask
// again.
void keyspace_core::leave_at_gutter(const flight& f) {
  if (!context_->rules.leave_flights_at_gutter) return;
  auto& s = held_.shard_of(f.hash);
  const std::lock_guard lock(s.mutex);
  const auto flights = s.flights.find(f.key);
  if (flights == s.flights.end()) return;
  auto& current = flights->second.current[static_cast<std::size_t>(f.kind)];
  if (current.get() == &f) current.reset();
}

// This node may have stood still since the load began.
time_point keyspace_core::good_until(const lookup& own) const {
  const auto ttl = own.found ? options_.ttl() : options_.absent_ttl();
  const auto began = env().now() - own.entry.age;
  return good_for(began, began + std::max(ttl, options_.load_timeout()));
}

// Where the source tells of changes, an answer is too old as soon as a silent feed is.
time_point keyspace_core::good_for(time_point began, time_point until) const {
  return feed_ ? std::min<time_point>(until, began + change_feed::lost_after) : until;
}

get_request keyspace_core::request_of(const flight& f, serve_as role) const {
  return {
      .keyspace = options_.name(),
      .key = f.key,
      .role = role,
      .mode = f.from == read_from::source ? get_mode::fresh : get_mode::cached,
      .explain = f.explains,
      .is_of_batch = f.batch != load_limiter::alone,
  };
}

peer_request keyspace_core::message_of(
    const flight& f, const routing& route, get_request request, time_point now
) const {
  return {
      .view_digest = route.members.digest(),
      .timeout = std::chrono::ceil<milliseconds>(f.deadline - now),
      .body = std::move(request),
  };
}

// An answer is kept only if it was asked for under the lease that holds when it comes.
void keyspace_core::begin_asking(flight& f, time_point now) {
  auto& s = held_.shard_of(f.hash);
  const std::lock_guard lock(s.mutex);
  f.has_begun = true;
  f.lease_term = f.is_alone ? 0 : context_->lease_term_at(now);
}

asio::awaitable<result<get_reply>> keyspace_core::ask(
    flight& f, const routing& route, std::uint16_t index, serve_as role, version held
) {
  if (!route.is_usable[index].load(std::memory_order_acquire)) co_return errc::unavailable;
  const auto began = env().now();
  auto request = request_of(f, role);
  request.held = held;
  auto message = message_of(f, route, std::move(request), began);
  begin_asking(f, began);
  auto send = [&](completion<result<peer_reply>> done) {
    context_->network->call(
        route.at(index).address, std::move(message), f.deadline, std::move(done)
    );
  };
  auto reply = co_await await_result<peer_reply>(send);
  const asked_peer peer{route.at(index).id, role, began, env().now()};
  co_return take_reply(f, peer, std::move(reply));
}

result<get_reply> keyspace_core::take_reply(
    flight& f, const asked_peer& peer, result<peer_reply> reply
) {
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(peer.ended - peer.began);
  if (f.explains) {
    f.steps.push_back({
        context_->self.id,
        peer.role == serve_as::owner ? "peer" : "gutter",
        peer.id + (reply ? " answered" : ": " + reply.error().message()),
        took,
    });
  }
  if (!reply) return reply.error();
  auto* got = std::get_if<get_reply>(&reply->body);
  if (got == nullptr) return errc::protocol;
  for (auto& step : got->steps) f.steps.push_back(std::move(step));
  auto& entry = got->answer.entry;
  if (entry.from.node.empty()) entry.from.node = peer.id;
  // Age counts from when the request left: how long the answer was on the wire is unknown.
  const auto on_the_way = std::chrono::ceil<milliseconds>(took);
  const auto ttl = got->answer.found ? options_.ttl() : options_.absent_ttl();
  const auto left = entry.ttl > milliseconds(0) ? entry.ttl : ttl - std::min(ttl, entry.age);
  f.good_until = good_for(peer.began, peer.began + left);
  if (got->error) f.good_until = peer.began + error_good_for;
  entry.age += on_the_way;
  entry.ttl -= std::min(entry.ttl, on_the_way);
  return std::move(*got);
}

// A fetch ends by the deadline of the caller that began it, and an answer may have spent more than
// its TTL on the way, or in a node that stood still; a waiter that joined later may have time left,
// and must not get a value that was too old when it joined.
bool keyspace_core::must_ask_again(
    const flight& ended, const result<lookup>& answer, const waiter& of
) const {
  if (!of.has_joined || of.is_answered.load() || of.deadline <= env().now()) return false;
  if (answer) return of.joined_at > ended.good_until;
  if (ended.adopts) return true;  // it did not ask the source
  if (ended.kind != flight_kind::fetch) return false;
  return answer.error() == errc::deadline_exceeded || of.joined_at > ended.good_until;
}

void keyspace_core::finish(const std::shared_ptr<flight>& ended, const result<lookup>& answer) {
  auto& s = held_.shard_of(ended->hash);
  std::vector<std::shared_ptr<waiter>> waiters;
  {
    const std::lock_guard lock(s.mutex);
    waiters.swap(ended->waiters);
    const auto flights = s.flights.find(ended->key);
    if (flights != s.flights.end()) {
      auto& current = flights->second.current[static_cast<std::size_t>(ended->kind)];
      if (current == ended) current.reset();
      if (flights->second.is_idle()) s.flights.erase(flights);
    }
  }
  for (auto& each : waiters) {
    if (must_ask_again(*ended, answer, *each)) {
      const get_options again{.from = ended->from};
      auto done = [each](result<lookup> with) {
        if (each->is_answered.exchange(true)) return;
        std::move(each->done)(std::move(with));
      };
      const flight_traits traits{.batch = ended->batch};
      join(ended->key, ended->hash, ended->kind, again, each->deadline, std::move(done), traits);
      continue;
    }
    if (each->is_answered.exchange(true)) continue;
    if (const auto timer = each->timer.load()) env().cancel(timer);
    if (each->explain != nullptr) explain_flight(*ended, *each);
    result<lookup> copy = answer;
    if (copy && each->has_joined) copy->entry.from.collapsed = true;
    if (copy && ended->kind == flight_kind::gutter)
      keyspace_counters::add(counters_.gutter_answers);
    std::move(each->done)(std::move(copy));
  }
}

}  // namespace weir
