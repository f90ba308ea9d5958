// For a while after a slot came to this node its former owner may still have the value (rule R8).

#include "keyspace/keyspace_core.hpp"

namespace weir {
namespace {

constexpr milliseconds peek_time{60'000};
constexpr milliseconds peek_timeout{10};

}  // namespace

// Whether another node may still have what this one must load.
bool keyspace_core::may_peek(std::uint16_t slot, time_point now) const {
  const auto former = context_->route.former(slot);
  return former.route && now - former.ended <= peek_time;
}

asio::awaitable<std::optional<peeked_value>> keyspace_core::peek_at_former_owner(flight& f) {
  const auto now = env().now();
  if (f.kind != flight_kind::owner || f.epoch == 0 || f.lease_term == 0) co_return std::nullopt;
  const auto former = context_->route.former(f.slot);
  if (!former.route || now - former.ended > peek_time) co_return std::nullopt;
  const auto& giver = former.route->ring->owner(f.slot);
  const auto route = context_->route.get();
  const auto* member = route->members.find(giver.id);
  if (member == nullptr || giver.id == context_->self.id) co_return std::nullopt;
  const auto index = static_cast<std::uint16_t>(member - route->members.members().data());
  if (!route->is_usable[index].load(std::memory_order_acquire)) co_return std::nullopt;
  if (context_->rules.recheck_fence_after_peek && !held_.is_untouched_since(former.number, f.hash))
    co_return std::nullopt;
  request_body request =
      get_request{.keyspace = options_.name(), .key = f.key, .mode = get_mode::peek};
  auto reply = co_await send(*member, *route, std::move(request), now + peek_timeout);
  auto* got = reply ? std::get_if<get_reply>(&reply->body) : nullptr;
  if (got == nullptr || got->error || !got->is_leased ||
      reply->view_digest != route->members.digest()) {
    co_return std::nullopt;
  }
  if (context_->rules.recheck_fence_after_peek && !held_.is_untouched_since(former.number, f.hash))
    co_return std::nullopt;
  auto& entry = got->answer.entry;
  const auto on_the_way = std::chrono::ceil<milliseconds>(env().now() - now);
  peeked_value out;
  out.began = now - entry.age;
  out.value.found = got->answer.found;
  out.value.value = std::move(entry.value);
  out.value.meta = std::move(entry.meta);
  // land() counts the TTL from when the load began.
  out.value.ttl = entry.ttl - std::min(entry.ttl, on_the_way) + entry.age;
  if (f.explains) f.steps.push_back({giver.id, "peek", "the former owner had it", on_the_way});
  co_return out;
}

get_reply keyspace_core::peeked(const std::string& key) {
  const auto hash = held_.hash_of(key);
  auto& s = held_.shard_of(hash);
  const auto now = env().now();
  get_reply reply;
  const std::lock_guard lock(s.mutex);
  auto* held = s.table.find(key, hash);
  // Of this node's last term: what another owner ordered since then may not have come here yet.
  const bool is_kept = held != nullptr && held->kind == entry_kind::owned && held->expires > now &&
                       held->seq > s.floor &&
                       held->epoch == context_->terms.ended_epoch_of(held->slot);
  if (!is_kept || !context_->has_lease(now) || !context_->route.has_lost(now, peek_time)) {
    reply.error = errc::not_found;
    return reply;
  }
  reply.is_leased = true;
  reply.answer.found = held_.answer_from(s, *held, now, reply.answer.entry);
  ++s.hits_for_others;
  reply.answer.entry.version = {};
  return reply;
}

// The former owner names its keys when it leaves; their values come as with every peek.
void keyspace_core::adopt(
    const std::string& key, milliseconds timeout, completion<get_reply> done
) {
  lookup held;
  if (held_.hit_owned(key, held, read_attempt::again)) return std::move(done)(get_reply{});
  auto answer = [done = std::move(done)](const result<lookup>& found) mutable {
    get_reply made;
    if (!found) made.error = found.error();
    std::move(done)(std::move(made));
  };
  const auto hash = held_.hash_of(key);
  const auto deadline = env().now() + timeout;
  const flight_traits traits{.adopts = true};
  join(key, hash, flight_kind::owner, {}, deadline, std::move(answer), traits);
}

}  // namespace weir
