// The far end of a get: what this node answers as owner or gutter.

#include "keyspace/keyspace_core.hpp"

namespace weir {

void keyspace_core::serve(
    get_request request, milliseconds timeout, completion<get_reply> done, completion<> loading
) {
  if (const auto checked = check_key(request.key); !checked) {
    if (const auto next = successor())
      return next->serve(std::move(request), timeout, std::move(done), std::move(loading));
    return std::move(done)(get_reply{.error = checked.error()});
  }
  get_reply reply;
  if (try_serve(request, reply)) return std::move(done)(std::move(reply));
  if (request.mode == get_mode::observe) return std::move(done)(observed(request.key));
  if (request.mode == get_mode::peek) return std::move(done)(peeked(request.key));
  if (request.mode == get_mode::adopt) return adopt(request.key, timeout, std::move(done));
  if (request.mode == get_mode::fresh) {
    if (request.role == serve_as::owner) {
      refresh(request.key);
    } else {
      apply_record({.keyspace = options_.name(), .key = request.key}, milliseconds(0));
    }
  }
  const auto hash = held_.hash_of(request.key);
  const auto steps = request.explain ? std::make_shared<explanation>() : nullptr;
  const get_options options{.explain = steps.get()};
  const auto kind = request.role == serve_as::owner ? flight_kind::owner : flight_kind::gutter;
  auto answer = [this,
                 self = shared_from_this(),
                 steps,
                 held = request.held,
                 done = std::move(done)](result<lookup> found) mutable {
    get_reply made;
    if (steps) made.steps = std::move(steps->steps);
    if (found) {
      made.answer = std::move(*found);
      vouch(made, held);
    } else {
      made.error = why_failed(found.error());
    }
    std::move(done)(std::move(made));
  };
  const flight_traits traits{
      .batch = request.is_of_batch ? load_limiter::of_others : load_limiter::alone};
  if (loading && kind == flight_kind::owner) std::move(loading)();
  const auto deadline = env().now() + timeout;
  join(request.key, hash, kind, options, deadline, std::move(answer), traits);
}

// An answer may be kept by the asker if this node kept it and holds a lease now; what the asker has
// already is not sent again.
void keyspace_core::vouch(get_reply& reply, version held) const {
  auto& entry = reply.answer.entry;
  reply.is_leased = entry.version && entry.from.stored && context_->has_lease(held_.hit_time());
  if (!held || entry.version != held) return;
  reply.is_unchanged = true;
  entry.value = {};
  entry.meta.reset();
}

bool keyspace_core::try_serve(const get_request& request, get_reply& reply) {
  if (request.mode != get_mode::cached || request.explain || !check_key(request.key)) return false;
  if (request.role == serve_as::owner) {
    // The read counts at the asker.
    if (!held_.hit_owned(request.key, reply.answer, read_attempt::again)) return false;
    vouch(reply, request.held);
    return true;
  }
  const auto hash = held_.hash_of(request.key);
  auto& s = held_.shard_of(hash);
  const auto now = held_.hit_time();
  const std::lock_guard lock(s.mutex);
  auto* found = s.table.find(request.key, hash);
  if (found == nullptr || !held_.serves_as_gutter(s, *found, now)) return false;
  reply.answer.found = held_.answer_from(s, *found, now, reply.answer.entry);
  ++s.hits_for_others;
  keyspace_counters::add(counters_.gutter_answers);
  return true;
}

}  // namespace weir
