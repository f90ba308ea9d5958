#include "redis/redis_loader.hpp"

#include "redis/redis_failure.hpp"

#include <algorithm>

namespace weir {
namespace {

/// Keys of one MGET: a longer one would keep others of the server waiting for over a millisecond.
constexpr std::size_t keys_at_once = 500;

/// What PTTL says.
constexpr std::int64_t without_end = -1, no_such_key = -2;

bool is_absent(const resp_value& left) {
  return left.kind == resp_kind::integer && left.number == no_such_key;
}

/// The time that is left is asked for behind the value: it may then be that of a later value, and
/// never that of an earlier one.
resp_commands load_commands(const redis_database& of, std::span<const std::string> keys) {
  resp_commands made;
  for (std::size_t at = 0; at < keys.size(); at += keys_at_once) {
    const auto part = keys.subspan(at, std::min(keys_at_once, keys.size() - at));
    made.begin(1 + part.size());
    made.argument(keys.size() == 1 ? "GET" : "MGET");
    for (const auto& key : part) made.argument(of.name_of(key));
    for (const auto& key : part) made.add({"PTTL", of.name_of(key)});
  }
  return made;
}

}  // namespace

asio::awaitable<std::vector<result<loaded>>> redis_loader::async_load(
    std::vector<std::string> keys, load_context context
) const {
  const loaded none{.found = false};
  answers all(keys.size(), none);
  auto commands = load_commands(*of_, keys);
  auto outcome = co_await of_->async_call(std::move(commands), context, redis_repeat::when_lost);
  if (outcome.fault) {
    of_->say(context, redis_words(outcome.fault->text));
    std::fill(all.begin(), all.end(), redis_load_error(*outcome.fault));
    co_return all;
  }
  std::vector<std::size_t> doubtful;  // there, but no string as MGET looked
  auto* answer = outcome.answers.data();
  for (std::size_t at = 0; at < keys.size(); at += keys_at_once) {
    const auto count = std::min(keys_at_once, keys.size() - at);
    auto& values = *answer++;
    const auto* const left = answer;
    answer += count;
    for (std::size_t i = 0; i != count; ++i) {
      const bool is_list = values.kind == resp_kind::array && values.items.size() == count;
      auto& value = is_list && keys.size() > 1 ? values.items[i] : values;
      all[at + i] = value_of(value, left[i], context);
      if (is_list && value.is_null() && !is_absent(left[i])) doubtful.push_back(at + i);
    }
  }
  if (!doubtful.empty()) co_await ask_alone(keys, std::move(doubtful), all, context);
  co_return all;
}

// MGET says of a list or a hash that it is not there; GET says what it is.
asio::awaitable<void> redis_loader::ask_alone(
    const std::vector<std::string>& keys,
    std::vector<std::size_t> which,
    answers& into,
    const load_context& by
) const {
  resp_commands commands;
  for (const auto each : which) {
    commands.add({"GET", of_->name_of(keys[each])});
    commands.add({"PTTL", of_->name_of(keys[each])});
  }
  auto outcome = co_await of_->async_call(std::move(commands), by, redis_repeat::when_lost);
  if (outcome.fault) of_->say(by, redis_words(outcome.fault->text));
  for (std::size_t i = 0; i != which.size(); ++i) {
    into[which[i]] = outcome.fault
                         ? result<loaded>(redis_load_error(*outcome.fault))
                         : value_of(outcome.answers[2 * i], outcome.answers[2 * i + 1], by);
  }
}

result<loaded> redis_loader::value_of(
    resp_value& value, const resp_value& left, const load_context& by
) const {
  if (value.is_error()) return refusal(value, by);
  if (left.is_error()) return refusal(left, by);
  if (value.kind == resp_kind::too_large) return errc::too_large;
  if (value.is_null()) return loaded{.found = false};
  if (value.kind != resp_kind::bulk || left.kind != resp_kind::integer) {
    of_->say(by, "an answer of another type than Redis gives");
    return errc::source_failed;
  }
  loaded made{.value = bytes(value.text)};
  if (left.number != without_end)
    made.ttl = std::chrono::milliseconds(std::max<std::int64_t>(left.number, 0));
  auto meta = std::make_shared<metadata>();
  meta->etag = redis_etag(value.text);
  made.meta = std::move(meta);
  return made;
}

errc redis_loader::refusal(const resp_value& of, const load_context& by) const {
  of_->say(by, redis_words(of.text));
  return redis_load_error(of.text);
}

}  // namespace weir
