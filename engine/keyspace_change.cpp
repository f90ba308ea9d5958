// Changes: the owner applies them first, then the gutter node of the key; clear goes to every member.

#include "await.hpp"
#include "keyspace_core.hpp"
#include "keyspace_counters.hpp"

#include <algorithm>

namespace weir {
namespace {

// Until a node that could not be asked has confirmed, it may serve what it has for as long as it may keep it.
constexpr milliseconds gutter_bound{10'000};

}  // namespace

asio::awaitable<result<change_result>> keyspace_core::change(
    change_request request, milliseconds timeout
) {
  if (request.kind == change_kind::clear) {
    if (const auto opened = open(); !opened) co_return opened.error();
    co_return co_await clear_everywhere(std::move(request), env().now() + timeout);
  }
  if (const auto checked = check_key(request.key); !checked) co_return checked.error();
  const bool is_write = request.kind == change_kind::put || request.kind == change_kind::remove;
  if (is_write && options_.writes == writes::deny) co_return errc::method_not_allowed;
  if (request.value.size() > options_.max_entry) co_return errc::too_large;
  co_return co_await change_at_owner(std::move(request), env().now() + timeout);
}

asio::awaitable<result<change_result>> keyspace_core::change_at_owner(
    change_request request, time_point deadline
) {
  const auto slot = slot_of(options_.name, request.key);
  change_result out;
  result<change_reply> applied = errc::unavailable;
  std::shared_ptr<const routing> route;
  for (int attempt = 0; attempt != 2; ++attempt) {
    route = context_->route.get();
    const auto owner = route->ring->owner_index(slot);
    applied = co_await send_change(*route, owner, request, deadline);
    if (!applied || applied->error != errc::not_owner) break;
    context_->learn(applied->view);
  }
  const auto owner = route->ring->owner_index(slot);
  const auto gutter = route->ring->gutter_index(slot);
  const bool is_invalidation = request.kind == change_kind::invalidate;
  if (applied && applied->error == errc::not_owner) co_return errc::unavailable;
  if (applied && applied->error) co_return applied->error;
  if (applied) out.version = applied->version;
  if (!applied) {
    if (!is_invalidation) {
      co_return applied.error() == errc::unavailable ? errc::unavailable : errc::unknown_outcome;
    }
    out.unconfirmed.push_back(route->at(owner).id);
    out.bound = options_.ttl;
  }
  // This node's own copies and fetches first: a writer sees its own change at once.
  change_request record{
      .keyspace = request.keyspace,
      .kind = change_kind::invalidate,
      .key = request.key,
      .role = serve_as::gutter,
  };
  if (owner != route->self) apply(record);
  if (gutter != owner && gutter != route->self) {
    const auto confirmed = co_await send_change(*route, gutter, std::move(record), deadline);
    if (!confirmed || confirmed->error) {
      if (!applied) co_return errc::unavailable;
      out.unconfirmed.push_back(route->at(gutter).id);
      out.bound = std::max(out.bound, gutter_bound);
    }
  }
  co_return out;
}

asio::awaitable<result<change_result>> keyspace_core::clear_everywhere(
    change_request request, time_point deadline
) {
  const auto route = context_->route.get();
  change_result out;
  bool has_reached_any = false;
  for (std::uint16_t i = 0; i != route->members.size(); ++i) {
    const auto reply = co_await send_change(*route, i, request, deadline);
    if (reply && !reply->error) {
      has_reached_any = true;
    } else {
      out.unconfirmed.push_back(route->at(i).id);
      out.bound = options_.ttl;
    }
  }
  if (!has_reached_any) co_return errc::unavailable;
  co_return out;
}

asio::awaitable<result<change_reply>> keyspace_core::send_change(
    const routing& route, std::uint16_t index, change_request request, time_point deadline
) {
  if (index == route.self) {
    const bool is_write = request.kind == change_kind::put || request.kind == change_kind::remove;
    if (is_write) co_return co_await write_through(std::move(request), deadline);
    co_return apply(request);
  }
  if (!route.is_usable[index].load(std::memory_order_acquire)) co_return errc::unavailable;
  peer_request message{
      .view_digest = route.members.digest(),
      .timeout = std::chrono::ceil<milliseconds>(deadline - env().now()),
      .body = std::move(request),
  };
  auto send = [&](completion<result<peer_reply>> done) {
    context_->network->call(route.at(index).address, std::move(message), deadline, std::move(done));
  };
  auto reply = co_await await_result<peer_reply>(send);
  if (!reply) {
    // Once it was sent, a lost answer says nothing about whether it was applied.
    co_return reply.error() == errc::unavailable ? errc::unknown_outcome : reply.error();
  }
  auto* got = std::get_if<change_reply>(&reply->body);
  if (got == nullptr) co_return errc::protocol;
  co_return std::move(*got);
}

change_reply keyspace_core::apply(
    const change_request& request, std::shared_ptr<const metadata> meta
) {
  if (const auto opened = open(); !opened) return {.error = opened.error()};
  counters::add(counters_->invalidations);
  if (request.kind == change_kind::clear) {
    apply_clear();
    return {};
  }
  if (const auto checked = check_key(request.key); !checked) return {.error = checked.error()};
  if (request.value.size() > options_.max_entry) return {.error = errc::too_large};
  const auto hash = hash_of(request.key);
  const auto slot = slot_of(options_.name, request.key);
  const auto now = env().now();
  const auto wanted = request.kind == change_kind::put ? request.ttl.value_or(options_.ttl) : options_.negative_ttl;
  const auto ttl = jittered(wanted);
  const bool keeps = request.role == serve_as::owner && ttl > milliseconds(0) &&
                     (request.kind == change_kind::put || request.kind == change_kind::remove);
  entry_table::entry_ptr made;
  if (keeps) {
    made = entry_table::make_entry({
        .key = request.key,
        .hash = hash,
        .value = request.value,
        .meta = std::move(meta),
        .expires = now + ttl,
        .loaded_at = now,
        .slot = slot,
        .kind = entry_kind::owned,
        .is_absent = request.kind == change_kind::remove,
    });
    if (!budgets_.owned.fits(made->charge)) return {.error = errc::too_large};
  }
  auto& s = shard_of(hash);
  entry_list garbage;
  change_reply reply;
  {
    const std::lock_guard lock(s.mutex);
    const auto epoch = context_->terms.epoch_of(slot);
    if (request.role == serve_as::owner && epoch == 0) return {.error = errc::not_owner};
    auto* held = s.table.find(request.key, hash);
    if (request.role == serve_as::owner && !holds(s, held, request.condition, hash, epoch, now)) {
      return {.error = errc::conflict};
    }
    const auto seq = ++s.seq;
    raise_fence(hash, seq);
    overtake(s, request.key);
    if (held != nullptr) s.table.erase(*held, garbage);
    if (request.role == serve_as::owner) reply.version = {epoch, seq};
    if (keeps) {
      made->epoch = epoch;
      made->seq = seq;
      s.table.insert(std::move(made), garbage);
    }
  }
  if (keeps) make_room(entry_kind::owned, s);
  return reply;
}

bool keyspace_core::holds(
    const shard& s, const stored_entry* held, const precondition& condition, std::uint64_t hash,
    std::uint64_t epoch, time_point now
) noexcept {
  const bool is_valid = held != nullptr && serves_as_owner(s, *held, now);
  switch (condition.when) {
    case precondition::kind::none: return true;
    case precondition::kind::absent: return !is_valid || held->is_absent;
    case precondition::kind::unchanged: break;
  }
  if (condition.since.epoch != epoch || epoch == 0) return false;
  if (is_valid) return held->seq <= condition.since.seq;
  // An expired or cleared entry that still lies here counts like its fence.
  const auto gone = held != nullptr ? held->seq : 0;
  return std::max({fence_of(hash), s.floor, gone}) <= condition.since.seq;
}

void keyspace_core::overtake(shard& s, std::string_view key) {
  const auto flights = s.flights.find(key);
  if (flights == s.flights.end()) return;
  for (auto& current : flights->second.current) {
    if (!current || !current->has_begun) continue;
    current->is_overtaken = true;
    if (context_->rules.leave_overtaken_flights) current.reset();
  }
}

void keyspace_core::apply_clear() {
  for (const auto& each : shards_) {
    const std::lock_guard lock(each->mutex);
    const auto seq = ++each->seq;
    if (context_->rules.floor_on_clear) each->floor = seq;
    for (auto& [key, flights] : each->flights) overtake(*each, key);
  }
}

get_reply keyspace_core::observed(const std::string& key) {
  const auto hash = hash_of(key);
  const auto now = env().now();
  auto& s = shard_of(hash);
  get_reply reply;
  const std::lock_guard lock(s.mutex);
  auto* held = s.table.find(key, hash);
  if (held != nullptr && serves_as_owner(s, *held, now)) {
    reply.answer.entry.version = {held->epoch, held->seq};
    reply.answer.found = !held->is_absent;
  } else {
    reply.answer.entry.version = {context_->terms.epoch_of(slot_of(options_.name, key)), s.seq};
  }
  return reply;
}

asio::awaitable<result<version>> keyspace_core::observe(std::string key, milliseconds timeout) {
  if (const auto checked = check_key(key); !checked) co_return checked.error();
  const auto deadline = env().now() + timeout;
  const auto slot = slot_of(options_.name, key);
  for (int attempt = 0; attempt != 2; ++attempt) {
    const auto route = context_->route.get();
    const auto owner = route->ring->owner_index(slot);
    if (owner == route->self) co_return observed(key).answer.entry.version;
    if (!route->is_usable[owner].load()) break;
    peer_request message{
        .view_digest = route->members.digest(),
        .timeout = std::chrono::ceil<milliseconds>(deadline - env().now()),
        .body = get_request{.keyspace = options_.name, .key = key, .mode = get_mode::observe},
    };
    auto send = [&](completion<result<peer_reply>> done) {
      context_->network->call(route->at(owner).address, std::move(message), deadline, std::move(done));
    };
    auto reply = co_await await_result<peer_reply>(send);
    if (!reply) co_return reply.error();
    auto* got = std::get_if<get_reply>(&reply->body);
    if (got == nullptr) co_return errc::protocol;
    if (!got->error) co_return got->answer.entry.version;
    if (got->error != errc::not_owner) co_return got->error;
    context_->learn(got->view);
  }
  co_return errc::unavailable;
}

}  // namespace weir
