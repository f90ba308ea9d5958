// Changes, in call order: change, change_at_owner, order, change_as_owner, apply. The owner orders
// a change and broadcasts its record; without an owner the record is broadcast twice.

#include "agreement/agreement.hpp"
#include "async/await.hpp"
#include "keyspace/keyspace_core.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>

namespace weir {
namespace {

// An owner that has not ordered an invalidation by then is bypassed.
constexpr milliseconds accept_timeout{250};
constexpr milliseconds max_last_word{100};
constexpr milliseconds partial_bound{3'300};
// Bytes; nodes that want a larger value fetch it again.
constexpr std::size_t max_pushed = 1'024;

bool is_write(const change_request& request) {
  return request.kind == change_kind::put || request.kind == change_kind::remove;
}

/// Whether it may be made though the owner cannot judge it.
bool needs_owner(const change_request& request) {
  return is_write(request) || request.condition.when != precondition::kind::none;
}

// For what a store took just before its keyspace got another one: what that one has is unknown.
change_request as_invalidation(const change_request& of) {
  change_request made;
  made.keyspace = of.keyspace;
  made.key = of.key;
  return made;
}

}  // namespace

asio::awaitable<result<change_result>> keyspace_core::change(
    change_request request, milliseconds timeout
) {
  const auto key = request.key;
  const auto* unchanged = is_write(request) ? "nothing was changed; repeat it"
                                            : "too few nodes took note of it in time; repeat it";
  auto done = co_await carry_out(std::move(request), timeout);
  if (done) co_return done;
  const bool is_unavailable = done.error() == errc::unavailable;
  co_return located(done.error(), key, is_unavailable ? unchanged : "");
}

asio::awaitable<result<change_result>> keyspace_core::carry_out(
    change_request request, milliseconds timeout
) {
  if (const auto next = successor())
    co_return co_await next->carry_out(std::move(request), timeout);
  if (const auto opened = open(); !opened) co_return opened.error();
  if (options_.is_disabled()) co_return change_result{};
  const auto deadline = env().now() + timeout;
  if (request.kind == change_kind::clear) {  // no node orders all keys
    change_record everything{.keyspace = options_.name(), .key = {}};
    co_return co_await change_without_owner(std::move(everything), deadline);
  }
  if (const auto checked = check_key(request.key); !checked) co_return checked.error();
  if (is_write(request) && options_.writes() == writes::deny) co_return errc::method_not_allowed;
  if (request.value.size() > options_.max_entry()) {
    co_return value_too_large(request.value.size());
  }
  co_return co_await change_at_owner(std::move(request), deadline);
}

asio::awaitable<result<change_result>> keyspace_core::change_at_owner(
    change_request request, time_point deadline
) {
  const auto self = shared_from_this();
  const auto slot = slot_of(options_.name(), request.key);
  result<change_reply> applied = errc::unavailable;
  for (int attempt = 0; attempt != 2; ++attempt) {
    const auto route = context_->route.get();
    const auto owner = route->ring->owner_index(slot);
    if (owner == route->self) {
      completion<change_reply> nobody;
      applied = co_await change_as_owner(request, deadline, std::move(nobody));
    } else {
      applied = co_await order(*route, owner, request, deadline);
    }
    if (!applied || applied->error != errc::not_owner || applied->is_stored) break;
    context_->learn(applied->view);
    applied = errc::unavailable;
  }
  change_record record{.keyspace = options_.name(), .key = request.key};
  const bool is_ordered = applied && !applied->error;
  if (is_ordered) {
    record.version = applied->version;
    apply_record(record, milliseconds(0));  // a writer sees its own change at once (N6)
    change_result out{.version = applied->version, .unconfirmed = std::move(applied->unconfirmed)};
    out.bound = applied->bound;
    out.is_stored = applied->is_stored;
    co_return out;
  }
  const bool was_ordered = applied && applied->version;
  const bool was_stored = applied && applied->is_stored;
  const bool is_refused = applied && !was_ordered && !was_stored;
  if (needs_owner(request) && !was_ordered && !was_stored) {
    co_return applied ? applied->error : applied.error();
  }
  if (is_refused && applied->error != errc::unavailable) co_return applied->error;
  // The owner is out of reach, or went away half-way: every node drops its copy.
  auto out = co_await change_without_owner(std::move(record), deadline);
  if (out) {
    out->is_stored = was_stored;
    co_return out;
  }
  co_return is_write(request) ? error(errc::unknown_outcome) : out.error();
}

asio::awaitable<result<change_result>> keyspace_core::change_without_owner(
    change_record record, time_point deadline
) {
  const auto self = shared_from_this();
  keyspace_counters::add(counters_.invalidations);
  const auto agreed = context_->agreed.lock();
  if (!agreed) co_return errc::unavailable;
  auto went = co_await agreed->announce(std::move(record), 2, deadline);
  if (went.error) co_return went.error;
  change_result out;
  out.unconfirmed = std::move(went.unconfirmed);
  if (out.is_partial()) out.bound = partial_bound;
  co_return out;
}

asio::awaitable<result<change_reply>> keyspace_core::order(
    const routing& route, std::uint16_t index, change_request request, time_point deadline
) {
  if (!route.is_usable[index].load(std::memory_order_acquire)) co_return errc::unavailable;
  const bool may_be_bypassed = !needs_owner(request);
  const auto& owner = route.at(index);
  const auto accept_by =
      may_be_bypassed ? std::min(deadline, env().now() + accept_timeout) : deadline;
  request_body body = std::move(request);
  // The owner gets all the time but what its answer needs on the way.
  const auto all = deadline - env().now();
  const auto last_word = std::min<steady_duration>(all / 10, max_last_word);
  auto reply = co_await send(owner, route, std::move(body), accept_by, deadline - last_word);
  // Once the request was sent, a lost answer says nothing about whether it was applied.
  if (!reply) co_return errc::unknown_outcome;
  auto* got = std::get_if<change_reply>(&reply->body);
  if (got == nullptr) co_return errc::protocol;
  change_reply out = std::move(*got);
  if (out.error || out.ticket == 0) co_return out;
  request_body question = confirm_request{out.ticket};
  auto confirmed = co_await send(owner, route, std::move(question), deadline);
  auto* end = confirmed ? std::get_if<confirm_reply>(&confirmed->body) : nullptr;
  if (end == nullptr) {
    out.error = errc::unknown_outcome;
  } else {
    out.error = end->error;
    out.unconfirmed = std::move(end->unconfirmed);
    out.bound = end->bound;
  }
  co_return out;
}

asio::awaitable<result<peer_reply>> keyspace_core::send(
    const member& to,
    const routing& route,
    request_body body,
    time_point deadline,
    std::optional<time_point> work_until
) {
  peer_request message{
      .view_digest = route.members.digest(),
      .timeout = std::chrono::ceil<milliseconds>(work_until.value_or(deadline) - env().now()),
      .body = std::move(body),
  };
  auto start = [&](completion<result<peer_reply>> done) {
    context_->network->call(to.address, std::move(message), deadline, std::move(done));
  };
  co_return co_await await_result<peer_reply>(start);
}

asio::awaitable<change_reply> keyspace_core::change_as_owner(
    change_request request, time_point deadline, completion<change_reply> accepted
) {
  const auto self = shared_from_this();
  if (const auto next = successor()) {
    co_return co_await next->change_as_owner(std::move(request), deadline, std::move(accepted));
  }
  const auto agreed = context_->agreed.lock();
  change_reply reply;
  if (is_write(request)) {
    reply = co_await write_through(request, deadline);
  } else {
    reply = apply(request);
  }
  const bool may_have_changed =
      store_ && (reply.error == errc::conflict || reply.error == errc::unknown_outcome);
  if (may_have_changed) tell_others(request.key);
  if (accepted) std::move(accepted)(reply);
  if (reply.error || !agreed) co_return reply;
  auto went = co_await agreed->announce(record_of(request, reply), 1, deadline);
  if (went.error) {
    reply.error = is_write(request) ? errc::unknown_outcome : errc::unavailable;
  } else if (!went.unconfirmed.empty()) {
    reply.unconfirmed = std::move(went.unconfirmed);
    reply.bound = partial_bound;
  }
  co_return reply;
}

change_record keyspace_core::record_of(const change_request& request, const change_reply& applied)
    const {
  change_record record{.keyspace = options_.name(), .key = request.key, .version = applied.version};
  const auto ttl = request.ttl.value_or(options_.ttl());
  const bool is_pushed = request.kind == change_kind::put && held_.budgets().near_copy.is_on() &&
                         !feed_ &&        // a copy would have to prove that it knows what it told
                         !is_closed() &&  // else it stands only for an invalidation
                         request.value.size() <= max_pushed && applied.version &&
                         ttl > milliseconds(0);
  if (!is_pushed) return record;
  record.value = request.value;
  // The owner may have taken up to this share off; a copy never outlives the owner's entry.
  record.ttl = ttl - std::chrono::ceil<milliseconds>(ttl * options_.jitter());
  return record;
}

void keyspace_core::refresh(const std::string& key) {
  apply({.keyspace = options_.name(), .kind = change_kind::invalidate, .key = key});
  tell_others(key);
}

// No caller waits for it, and it promises nothing.
void keyspace_core::tell_others(const std::string& key) {
  const auto agreed = context_->agreed.lock();
  if (!agreed || !context_->needs_lease()) return;
  change_record record{.keyspace = options_.name(), .key = key};
  record.version = observed(key).answer.entry.version;
  auto tell = [](std::shared_ptr<agreement> by, change_record what, time_point until
              ) -> asio::awaitable<void> { co_await by->announce(std::move(what), 1, until); };
  asio::co_spawn(
      env().executor(), tell(agreed, std::move(record), env().now() + lease_time), asio::detached
  );
}

change_reply keyspace_core::not_owner() const {
  change_reply reply;
  reply.error = errc::not_owner;
  reply.view = context_->route.get()->members.members();
  return reply;
}

// The entry of a put or remove; null for what keeps nothing. Its place in the order is missing yet.
entry_table::entry_ptr keyspace_core::make_written(
    const change_request& request, std::shared_ptr<const metadata> meta, time_point now
) const {
  const auto wanted = request.kind == change_kind::put ? request.ttl.value_or(options_.ttl())
                                                       : options_.negative_ttl();
  const auto ttl = jittered(wanted);
  if (ttl <= milliseconds(0) || !is_write(request)) return nullptr;
  return entry_table::make_entry({
      .key = request.key,
      .hash = held_.hash_of(request.key),
      .value = request.value,
      .meta = std::move(meta),
      .expires = now + ttl,
      .loaded_at = now,
      .slot = slot_of(options_.name(), request.key),
      .kind = entry_kind::owned,
      .is_absent = request.kind == change_kind::remove,
      .has_own_ttl = request.kind == change_kind::put && request.ttl.has_value(),
  });
}

change_reply keyspace_core::apply(
    const change_request& request, std::shared_ptr<const metadata> meta, const running_write* write
) {
  if (const auto opened = open(); !opened) {
    if (const auto next = successor())
      return next->apply(store_ ? as_invalidation(request) : request);
    return {.error = opened.error()};
  }
  keyspace_counters::add(counters_.invalidations);
  if (const auto checked = check_key(request.key); !checked) return {.error = checked.error()};
  if (request.value.size() > options_.max_entry()) return {.error = errc::too_large};
  const auto hash = held_.hash_of(request.key);
  const auto slot = slot_of(options_.name(), request.key);
  const auto now = env().now();
  const std::string etag = meta ? meta->etag : std::string();
  auto made = make_written(request, std::move(meta), now);
  // Without a lease this node may never hear of the change after this one.
  const auto lease_term = context_->lease_term_at(now);
  const bool may_keep = lease_term != 0 && held_.is_told(now);
  if (request.kind == change_kind::put && !may_keep && !store_) return {.error = errc::unavailable};
  if (!may_keep) made.reset();
  if (made && feed_ && write != nullptr) made->loaded_at = write->began;  // as a load's
  if (made && !held_.budgets().owned.fits(made->charge)) return {.error = errc::too_large};
  bool keeps = made != nullptr;
  auto& s = held_.shard_of(hash);
  entry_list garbage;
  change_reply reply;
  {
    const std::lock_guard lock(s.mutex);
    const auto epoch = context_->terms.epoch_of(slot);
    if (epoch == 0) return not_owner();
    auto* held = s.table.find(request.key, hash);
    if (request.condition.when != precondition::kind::none) {
      // What this node would compare with may have changed without this node hearing of it.
      if (lease_term == 0) return {.error = errc::unavailable};
      if (!held_.holds(s, held, request.condition, hash, epoch, now))
        return {.error = errc::conflict};
    }
    keeps =
        keeps && (write == nullptr || write->is_last(etag) || !context_->rules.told_during_write);
    const auto seq = ++s.seq;
    held_.raise_fence(hash, seq);
    held_.overtake(s, request.key);
    if (held != nullptr) s.table.erase(*held, garbage);
    reply.version = {epoch, seq};
    if (keeps) {
      made->epoch = epoch;
      made->seq = seq;
      held_.cap_life(*made);
      context_->note_kept();
      s.table.insert(std::move(made), garbage);
    }
  }
  if (keeps) held_.make_room(entry_kind::owned, s);
  return reply;
}

get_reply keyspace_core::observed(const std::string& key) {
  if (const auto next = successor()) return next->observed(key);
  const auto hash = held_.hash_of(key);
  const auto now = env().now();
  auto& s = held_.shard_of(hash);
  get_reply reply;
  const std::lock_guard lock(s.mutex);
  auto* held = s.table.find(key, hash);
  if (held != nullptr && held_.serves_as_owner(s, *held, now)) {
    reply.answer.entry.version = {held->epoch, held->seq};
    reply.answer.found = !held->is_absent;
  } else {
    reply.answer.entry.version = {context_->terms.epoch_of(slot_of(options_.name(), key)), s.seq};
  }
  return reply;
}

asio::awaitable<result<version>> keyspace_core::observe(std::string key, milliseconds timeout) {
  if (const auto next = successor()) co_return co_await next->observe(std::move(key), timeout);
  if (const auto checked = check_key(key); !checked) co_return checked.error();
  const auto deadline = env().now() + timeout;
  const auto slot = slot_of(options_.name(), key);
  for (int attempt = 0; attempt != 2; ++attempt) {
    const auto route = context_->route.get();
    const auto owner = route->ring->owner_index(slot);
    if (owner == route->self) co_return observed(key).answer.entry.version;
    if (!route->is_usable[owner].load()) break;
    request_body question =
        get_request{.keyspace = options_.name(), .key = key, .mode = get_mode::observe};
    auto reply = co_await send(route->at(owner), *route, std::move(question), deadline);
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
