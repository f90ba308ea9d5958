// A change of a key whose source is a store, in call order: write_through, write_in_turn,
// judge_write, call_store. The source first, then the cache: readers see the old value until the
// source took the new one, and no reader ever sees one that it did not take.

#include "async/await.hpp"
#include "async/claim_until.hpp"
#include "keyspace/keyspace_core.hpp"
#include "keyspace/within_timeout.hpp"
#include "source/thrown_failure.hpp"

#include <boost/asio/co_spawn.hpp>

#include <algorithm>

namespace weir {
namespace {

change_reply failed(error why) {
  change_reply reply;
  reply.error = std::move(why);
  return reply;
}

// Whatever a store throws ends here; then it is unknown what it did.
asio::awaitable<result<stored>> guarded(
    std::shared_ptr<store> to,
    change_request request,
    write_condition condition,
    load_context context
) {
  try {
    result<stored> answer = errc::unknown_outcome;
    if (request.kind == change_kind::put) {
      answer = co_await to->async_put(
          std::move(request.key), std::move(request.value), std::move(condition), context
      );
    } else {
      answer = co_await to->async_erase(std::move(request.key), std::move(condition), context);
    }
    if (!answer && answer.error().category() != weir_category()) {
      context.say(answer.error().code().message());
      co_return errc::unknown_outcome;
    }
    co_return answer;
  } catch (...) {
    thrown_failure(context);
    co_return errc::unknown_outcome;
  }
}

/// A write, from before the store is asked until what it took is kept.
class watched_write {
 public:
  watched_write(held_entries& held, std::string key, time_point now)
      : held_(held), key_(std::move(key)), running_{key_, now} {
    held_.begin_write(running_);
  }

  watched_write(const watched_write&) = delete;
  watched_write& operator=(const watched_write&) = delete;

  ~watched_write() { held_.end_write(running_); }

  const running_write& running() const noexcept { return running_; }

 private:
  held_entries& held_;
  const std::string key_;
  running_write running_;
};

bool was_refused(const error& why) noexcept {
  return why == errc::overloaded || why == errc::unavailable || why == errc::too_large ||
         why == errc::bad_request || why == errc::method_not_allowed;
}

// The store itself has failed; every other error is its answer to this change.
bool is_trouble(const error& why) noexcept {
  return why == errc::source_failed || why == errc::overloaded || why == errc::unknown_outcome ||
         why == errc::deadline_exceeded;
}

}  // namespace

// A coroutine of its own: a caller that gives up cannot end a write half-way.
asio::awaitable<change_reply> keyspace_core::write_through(
    change_request request, time_point deadline
) {
  if (!store_) co_return apply(request);
  if (const auto next = successor()) {
    co_return co_await next->write_through(std::move(request), deadline);
  }
  if (const auto checked = check_key(request.key); !checked) co_return failed(checked.error());
  if (request.value.size() > options_.max_entry()) {
    co_return failed(value_too_large(request.value.size()));
  }
  auto run = [&](completion<result<change_reply>> done) {
    auto ended =
        [done = std::move(done)](const std::exception_ptr& thrown, change_reply reply) mutable {
          if (thrown) reply = failed(errc::unknown_outcome);
          std::move(done)(std::move(reply));
        };
    asio::co_spawn(env().executor(), write_in_turn(std::move(request), deadline), std::move(ended));
  };
  auto reply = co_await await_result<change_reply>(run);
  if (!reply) co_return failed(errc::unknown_outcome);
  co_return std::move(*reply);
}

asio::awaitable<change_reply> keyspace_core::write_in_turn(
    change_request request, time_point deadline
) {
  const auto self = shared_from_this();
  auto take = [&](completion<result<void>> granted) {
    write_turns_.acquire(request.key, std::move(granted));
  };
  auto give_back = [self, key = request.key] { self->write_turns_.release(self->env(), key); };
  const auto granted = co_await claim_until(env(), deadline, take, std::move(give_back));
  if (!granted) co_return failed(granted.error());
  const key_turn turn(write_turns_, env(), request.key);

  if (const auto next = successor()) {
    co_return co_await next->write_through(std::move(request), deadline);
  }
  if (const auto opened = open(); !opened) co_return failed(opened.error());
  const auto slot = slot_of(options_.name(), request.key);
  const auto epoch = context_->terms.epoch_of(slot);
  if (epoch == 0) co_return failed(errc::not_owner);
  auto condition = judge_write(request, epoch);
  if (!condition) co_return failed(condition.error());
  const watched_write write(held_, request.key, env().now());
  auto taken = co_await call_store(request, std::move(*condition), deadline);
  if (!taken) co_return drop_written(request, taken.error());

  change_reply reply;
  if (context_->terms.epoch_of(slot) == epoch) {
    request.condition = {};  // the store has judged it
    std::shared_ptr<const metadata> meta;
    if (!taken->etag.empty()) {
      meta = std::make_shared<const metadata>(metadata{.etag = std::move(taken->etag)});
    }
    reply = apply(request, std::move(meta), &write.running());
    if (reply.error == errc::too_large) {  // for the cache, not for the source
      request.kind = change_kind::invalidate;
      reply = apply(request);
    }
  }
  reply.is_stored = true;
  if (!reply.error && reply.version.epoch != epoch) reply.error = errc::not_owner;
  co_return reply;
}

// R7, but strict: only what lies here now, with the etag under which the source holds it, can be
// confirmed. The source may have moved on since an entry was evicted, so its version is a conflict
// whatever the fences say.
result<write_condition> keyspace_core::judge_write(
    const change_request& request, std::uint64_t epoch
) {
  const auto& asked = request.condition;
  if (asked.when == precondition::kind::none) return write_condition();
  if (store_->tags() == entity_tags::none) return errc::method_not_allowed;
  const bool wants_absence = asked.when == precondition::kind::absent;
  if (wants_absence && request.kind != change_kind::put) return errc::bad_request;
  const auto hash = held_.hash_of(request.key);
  const auto now = env().now();
  auto& s = held_.shard_of(hash);
  std::shared_ptr<const metadata> meta;
  {
    const std::lock_guard lock(s.mutex);
    const auto* held = s.table.find(request.key, hash);
    const bool is_valid = held != nullptr && held_.serves_as_owner(s, *held, now);
    if (wants_absence) {
      if (is_valid && !held->is_absent) return errc::conflict;
      return write_condition::if_absent();
    }
    if (!is_valid && !held_.is_told(now)) {
      auto why =
          std::string("the source cannot tell of changes now, so no version can be confirmed");
      return error(errc::unavailable, error_context{.detail = std::move(why)});
    }
    if (!is_valid || held->epoch != asked.since.epoch || held->epoch != epoch)
      return errc::conflict;
    if (held->seq > asked.since.seq) return errc::conflict;
    if (held->is_absent) return write_condition::if_absent();
    meta = held->meta();
  }
  if (!meta || meta->etag.empty()) return errc::method_not_allowed;
  return write_condition::if_matches(meta->etag);
}

asio::awaitable<result<stored>> keyspace_core::call_store(
    const change_request& request, write_condition condition, time_point deadline
) {
  const bool is_absent = condition.when == write_condition::kind::absent;
  if (is_absent && request.kind == change_kind::remove) co_return stored();  // as it should be
  const auto self = shared_from_this();
  auto place = [&](completion<result<void>> granted) {
    limiter_.acquire(load_limiter::alone, std::move(granted));
  };
  auto give_back = [self] { self->limiter_.release(); };
  const auto granted = co_await claim_until(env(), deadline, place, std::move(give_back));
  if (!granted) {
    note_refused(granted.error());
    co_return granted.error();
  }
  const auto until = std::min(deadline, env().now() + options_.load_timeout());
  const auto remark = std::make_shared<source_remark>();
  const load_context context{env(), until, remark};
  auto work = guarded(store_, request, std::move(condition), context);
  auto taken = co_await within_timeout(std::move(work), until);
  const auto now = env().now();
  if (taken || !is_trouble(taken.error())) {
    report(watch_.succeeded(now));
    co_return taken;
  }
  error_context words{
      .detail = std::string(taken.error().detail()), .remark = std::string(taken.error().remark())};
  if (words.remark.empty()) words.remark = remark->text();
  const error why(taken.error().code(), std::move(words));
  report(watch_.failed(why, now));
  co_return why;
}

change_reply keyspace_core::drop_written(const change_request& request, error why) {
  if (const auto next = successor()) return next->drop_written(request, why);
  if (was_refused(why)) return failed(why);
  if (why != errc::conflict && why != errc::source_failed) {
    why = error(errc::unknown_outcome, why);
    const auto now = env().now();
    doubtful_.settle(now);
    doubtful_.mark(held_.hash_of(request.key), now + options_.load_timeout());
  }
  change_request record;
  record.keyspace = options_.name();
  record.key = request.key;
  apply(record);
  return failed(why);
}

}  // namespace weir
