#include "keyspace/update_run.hpp"

#include <algorithm>

namespace weir {
namespace {

using steady_ms = std::chrono::milliseconds;

constexpr steady_ms first_conflict_delay{1};
constexpr steady_ms first_busy_delay{8};
constexpr unsigned doublings = 7;

bool is_busy(const error& why) noexcept {
  return why == errc::overloaded || why == errc::unavailable;
}

// The second half of the delay is random, so that updates that collided once do not collide again.
steady_duration jittered_delay(steady_ms first, unsigned failures, std::uint64_t random) {
  const steady_duration whole = first * (1u << std::min(failures - 1, doublings));
  return whole / 2 + steady_duration(random % static_cast<std::uint64_t>((whole / 2).count() + 1));
}

}  // namespace

update_run::update_run(
    environment& env,
    std::string keyspace,
    std::string key,
    update_function compute,
    update_options options,
    absence judged
)
    : env_(env),
      keyspace_(std::move(keyspace)),
      key_(std::move(key)),
      compute_(std::move(compute)),
      options_(options),
      judged_(judged),
      deadline_(env.now() + options.timeout) {}

get_options update_run::how_to_read() const noexcept {
  get_options how;
  how.timeout = std::max(time_left(), milliseconds(1));
  how.from = must_ask_owner_ ? read_from::owner : read_from::near;
  return how;
}

milliseconds update_run::time_left() const noexcept {
  return std::chrono::ceil<milliseconds>(deadline_ - env_.now());
}

void update_run::found(const result<lookup>& answer) {
  change_.reset();
  if (!answer) return again_or_end(answer.error());
  if (!answer->found && !options_.create) return end(errc::not_found);
  const auto& present = answer->entry;
  const bool needs_version = answer->found || judged_ == absence::by_version;
  if (needs_version && !present.version) return again_or_end(errc::unavailable);

  ++tries_.attempts;
  auto decided = compute_(answer->found ? &present : nullptr);
  if (!decided) return end(decided.error());
  what_ = decided->what();
  if (what_ == update_decision::kind::remove && !answer->found)
    what_ = update_decision::kind::decline;
  if (what_ == update_decision::kind::decline) {
    return end(updated{.version = present.version});
  }
  change_request& request = change_.emplace();
  request.keyspace = keyspace_;
  request.key = key_;
  request.condition =
      needs_version ? precondition::if_unchanged(present.version) : precondition::if_absent();
  if (what_ == update_decision::kind::put) {
    request.kind = change_kind::put;
    request.value = decided->value();
    request.ttl = options_.ttl;
  } else {
    request.kind = change_kind::remove;
  }
}

change_request update_run::take() {
  return std::move(*change_);
}

void update_run::changed(const result<change_result>& answer) {
  change_.reset();
  if (!answer) return again_or_end(answer.error());
  end(updated{.what = what_, .version = answer->version, .change = *answer});
}

void update_run::again_or_end(const error& why) {
  steady_duration delay{};
  if (is_busy(why)) {
    delay = jittered_delay(first_busy_delay, ++tries_.busy, env_.random());
  } else if (why == errc::conflict) {
    delay = jittered_delay(first_conflict_delay, ++tries_.conflicts, env_.random());
    if (tries_.attempts >= options_.max_attempts) return end(why);
  } else {
    return end(why);
  }
  must_ask_owner_ = true;
  retry_at_ = env_.now() + delay;
  if (retry_at_ >= deadline_) end(errc::deadline_exceeded);
}

void update_run::end(result<updated> with) {
  if (with) with->tries = tries_;
  if (options_.tries != nullptr) *options_.tries = tries_;
  outcome_ = std::move(with);
}

}  // namespace weir
