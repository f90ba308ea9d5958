#include "redis/redis_writer.hpp"

#include "redis/redis_failure.hpp"

#include <array>
#include <span>

namespace weir {
namespace {

/// 1 = done, 0 = the value is another, or none. Values: etag, new value, expiry in ms or "".
constexpr std::string_view put_script =
    "local now = redis.call('GET', KEYS[1]) "
    "if not now or redis.sha1hex(now) ~= ARGV[1] then return 0 end "
    "if ARGV[3] == '' then redis.call('SET', KEYS[1], ARGV[2]) "
    "else redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end "
    "return 1";

constexpr std::string_view erase_script =
    "local now = redis.call('GET', KEYS[1]) "
    "if not now or redis.sha1hex(now) ~= ARGV[1] then return 0 end "
    "return redis.call('DEL', KEYS[1])";

enum class script_form { by_hash, in_full };

resp_commands script_call(
    std::string_view script, script_form form, std::span<const std::string_view> key_and_values
) {
  static const std::string put_hash = redis_etag(put_script), erase_hash = redis_etag(erase_script);
  const bool is_put = script == put_script;
  resp_commands made;
  made.begin(3 + key_and_values.size());
  made.argument(form == script_form::by_hash ? "EVALSHA" : "EVAL");
  made.argument(form == script_form::in_full ? script : is_put ? put_hash : erase_hash);
  made.argument("1");
  for (const auto each : key_and_values) made.argument(each);
  return made;
}

bool is_unknown_script(const resp_value& answer) {
  return answer.is_error() && answer.text.starts_with("NOSCRIPT");
}

}  // namespace

asio::awaitable<result<stored>> redis_writer::async_put(
    std::string key, bytes value, write_condition condition, load_context context
) const {
  if (value.size() > of_->max_entry()) co_return errc::too_large;
  const auto name = of_->name_of(key);
  const auto etag = redis_etag(value.view());
  if (of_->own_writes()) of_->own_writes()->note(name);
  result<resp_value> answer = errc::unknown_outcome;
  if (condition.when == write_condition::kind::matches) {
    const std::array<std::string_view, 4> of{name, condition.etag, value.view(), of_->expire()};
    answer = co_await run(put_script, of, context);
  } else {
    const bool has_end = !of_->expire().empty();
    const bool is_new = condition.when == write_condition::kind::absent;
    resp_commands commands;
    commands.begin(3 + (has_end ? 2 : 0) + (is_new ? 1 : 0));
    for (const auto each : {std::string_view("SET"), std::string_view(name), value.view()})
      commands.argument(each);
    if (has_end) {
      commands.argument("PX");
      commands.argument(of_->expire());
    }
    if (is_new) commands.argument("NX");
    answer = co_await ask(std::move(commands), context);
  }
  if (!answer) co_return answer.error();
  const bool is_refused =
      answer->is_null() || (answer->kind == resp_kind::integer && answer->number == 0);
  if (is_refused) co_return errc::conflict;
  co_return stored{etag};
}

asio::awaitable<result<stored>> redis_writer::async_erase(
    std::string key, write_condition condition, load_context context
) const {
  const auto name = of_->name_of(key);
  if (condition.when == write_condition::kind::matches) {
    const std::array<std::string_view, 2> of{name, condition.etag};
    const auto done = co_await run(erase_script, of, context);
    if (!done) co_return done.error();
    if (done->number == 0) co_return errc::conflict;
    co_return stored();
  }
  resp_commands commands;
  commands.add({"DEL", name});
  const auto done = co_await ask(std::move(commands), context);
  if (!done) co_return done.error();
  co_return stored();
}

asio::awaitable<result<resp_value>> redis_writer::run(
    std::string_view script, values of, const load_context& by
) const {
  auto known = script_call(script, script_form::by_hash, of);
  auto answer = co_await ask(std::move(known), by);
  if (!answer || !is_unknown_script(*answer)) co_return answer;
  auto whole = script_call(script, script_form::in_full, of);
  co_return co_await ask(std::move(whole), by);
}

/// The answer to one command; an error is one only for the outcome, but for a script that is not
/// known.
asio::awaitable<result<resp_value>> redis_writer::ask(
    resp_commands commands, const load_context& by
) const {
  auto outcome = co_await of_->async_call(std::move(commands), by, redis_repeat::when_unsent);
  if (outcome.fault) {
    of_->say(by, redis_words(outcome.fault->text));
    co_return redis_write_error(*outcome.fault);
  }
  auto& answer = outcome.answers.front();
  if (!answer.is_error() || is_unknown_script(answer)) co_return std::move(answer);
  of_->say(by, redis_words(answer.text));
  co_return redis_write_error(answer.text);
}

}  // namespace weir
