// For a while after a slot came to this node its former owner may still have the value (rule R8).

#include "keyspace_core.hpp"

namespace weir {
namespace {

constexpr milliseconds peek_time{60'000};
constexpr milliseconds peek_timeout{10};

}  // namespace

// Only a value that no change of the new term can have passed by is worth asking for.
bool keyspace_core::is_untouched_in_term(std::uint64_t hash) {
  auto& s = shard_of(hash);
  const std::lock_guard lock(s.mutex);
  return fence_of(hash) <= s.seq_at_gain && s.floor <= s.seq_at_gain;
}

asio::awaitable<std::optional<keyspace_core::peeked_value>> keyspace_core::peek_at_former_owner(flight& f) {
  const auto former = context_->route.former();
  const auto now = env().now();
  if (f.kind != flight_kind::owner || f.epoch == 0 || f.lease_term == 0 || !former.route) co_return std::nullopt;
  if (now - former.ended > peek_time) co_return std::nullopt;
  const auto& giver = former.route->ring->owner(f.slot);
  const auto route = context_->route.get();
  const auto* member = route->members.find(giver.id);
  if (member == nullptr || giver.id == context_->self.id) co_return std::nullopt;
  const auto index = static_cast<std::uint16_t>(member - route->members.members().data());
  if (!route->is_usable[index].load(std::memory_order_acquire)) co_return std::nullopt;
  if (context_->rules.recheck_fence_after_peek && !is_untouched_in_term(f.hash)) co_return std::nullopt;
  request_body request = get_request{.keyspace = options_.name, .key = f.key, .mode = get_mode::peek};
  auto reply = co_await send(*member, *route, std::move(request), now + peek_timeout);
  auto* got = reply ? std::get_if<get_reply>(&reply->body) : nullptr;
  if (got == nullptr || got->error || !got->is_leased || reply->view_digest != route->members.digest()) {
    co_return std::nullopt;
  }
  if (context_->rules.recheck_fence_after_peek && !is_untouched_in_term(f.hash)) co_return std::nullopt;
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
  const auto hash = hash_of(key);
  auto& s = shard_of(hash);
  const auto now = env().now();
  get_reply reply;
  const std::lock_guard lock(s.mutex);
  auto* held = s.table.find(key, hash);
  const bool is_kept = held != nullptr && held->kind == entry_kind::owned && held->expires > now &&
                       held->seq > s.floor;
  if (!is_kept || !context_->has_lease(now) || now - context_->route.former().ended > peek_time) {
    reply.error = errc::not_found;
    return reply;
  }
  reply.is_leased = true;
  reply.answer.found = answer_from(s, *held, now, reply.answer.entry);
  reply.answer.entry.version = {};
  return reply;
}

}  // namespace weir
