// POST: several keys of a keyspace at once.
#include "door_batch.hpp"

#include "door_core.hpp"
#include "door_text.hpp"

#include <weir/transport/http_target.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <exception>
#include <set>
#include <utility>

namespace weir {
namespace {

constexpr std::size_t max_reply = 16 * 1024 * 1024;
constexpr std::size_t purges_at_once = 64;

void write_key(json_writer& line, const std::string& key, bool as_base64) {
  if (!as_base64) {
    line.member("key", key);
    return;
  }
  std::string text;
  append_base64(text, key);
  line.member("key_base64", text);
}

// {"key","value","version","ttl_ms","outcome"}, and of a failure "detail" and "source", our words
// and those of the source.
void write_line(
    json_writer& line,
    const std::string& key,
    bool as_base64,
    const lookup* found,
    std::string_view outcome,
    const error& why
) {
  line.begin_object();
  write_key(line, key, as_base64);
  if (found != nullptr) {
    const auto& entry = found->entry;
    if (found->found) line.data_member("value", entry.value.view());
    if (entry.version) line.member("version", to_string(entry.version));
    line.member("ttl_ms", entry.ttl.count());
  }
  line.member("outcome", outcome);
  if (!why.detail().empty()) line.member("detail", why.detail());
  if (!why.remark().empty()) line.member("source", why.remark());
  line.end_object().end_line();
}

// Purges of one request under way at once. All on the loop of its connection: no locks.
struct purge_run {
  keyspace of;
  std::vector<std::string> keys;
  const http_request& request;
  asio::steady_timer ended;
  std::size_t next = 0;
  std::size_t running = 0;
  std::set<std::string> unconfirmed;
  milliseconds bound{0};
  error failed;
  std::size_t failures = 0;
  std::exception_ptr thrown;
};

asio::awaitable<void> purge_in_turn(purge_run& run) {
  while (run.next != run.keys.size()) {
    auto key = std::move(run.keys[run.next++]);
    change_options how;
    how.timeout = std::max(time_left(run.request), milliseconds(0));
    const auto changed = co_await run.of.async_invalidate(std::move(key), how);
    if (!changed) {
      run.failed = changed.error();
      ++run.failures;
      continue;
    }
    run.unconfirmed.insert(changed->unconfirmed.begin(), changed->unconfirmed.end());
    run.bound = std::max(run.bound, changed->bound);
  }
}

asio::awaitable<void> purge_all(purge_run& run) {
  const auto executor = co_await asio::this_coro::executor;
  run.ended.expires_at(asio::steady_timer::time_point::max());
  run.running = std::min(purges_at_once, run.keys.size());
  for (std::size_t i = run.running; i != 0; --i) {
    auto one_ended = [&run](const std::exception_ptr& thrown) {
      if (thrown) run.thrown = thrown;
      if (--run.running == 0) run.ended.cancel();
    };
    asio::co_spawn(executor, purge_in_turn(run), std::move(one_ended));
  }
  error_code woken;
  auto token = asio::redirect_error(asio::use_awaitable, woken);
  if (run.running != 0) co_await run.ended.async_wait(token);
  if (run.thrown) std::rethrow_exception(run.thrown);
}

}  // namespace

asio::awaitable<door_answer> http_door::impl::get_many(
    const http_request& request, weir::keyspace keyspace
) {
  if (!query_parameter(request.query, "get")) {
    co_return refuse(errc::bad_request, "POST to a keyspace needs ?get or ?purge");
  }
  door_batch batch;
  if (const auto refused = read_batch(request.body, batch_form::keys, batch)) {
    co_return refuse(*refused);
  }
  const get_options how{.timeout = time_left(request)};
  const auto found = co_await keyspace.async_get_many(batch.keys, how);
  const error over_reply(
      errc::too_large,
      {.detail = "the answer is full, " + std::to_string(max_reply) + " bytes; ask for it alone"}
  );
  json_writer lines;
  json_writer line;
  for (std::size_t i = 0; i != found.size(); ++i) {
    line.clear();
    const auto* entry = found[i] ? &*found[i] : nullptr;
    door_outcome outcome;
    if (entry != nullptr && !entry->found) outcome = errc::not_found;
    if (entry == nullptr) outcome = failure(found[i].error(), keyspace, door_op::get_many).outcome;
    const bool fits = entry == nullptr || entry->entry.value.size() + lines.size() <= max_reply;
    const auto why = entry == nullptr ? found[i].error() : error();
    if (fits) write_line(line, batch.keys[i], batch.is_base64, entry, outcome.name(), why);
    if (!fits || lines.size() + line.size() > max_reply) {
      line.clear();
      const auto code = name(errc::too_large);
      write_line(line, batch.keys[i], batch.is_base64, nullptr, code, over_reply);
    }
    lines.append(line);
  }
  door_answer done;
  done.response.body = bytes(lines.text());
  done.response.add("Content-Type", "application/x-ndjson");
  co_return done;
}

asio::awaitable<door_answer> http_door::impl::purge_many(
    const http_request& request, weir::keyspace keyspace, door_op& op
) {
  door_batch batch;
  if (const auto refused = read_batch(request.body, batch_form::keys_or_all, batch)) {
    co_return refuse(*refused);
  }
  const auto right = batch.is_all ? door_right::admin : door_right::write;
  if (!auth.allows(session_of(request).pass, right, keyspace.name())) {
    auth.count(door_verdict::forbidden);
    co_return refuse(errc::forbidden, "the token does not allow this here");
  }
  change_result sum;
  if (batch.is_all) {
    op = door_op::clear;
    change_options how;
    how.timeout = time_left(request);
    auto changed = co_await keyspace.async_clear(how);
    if (!changed) co_return failure(changed.error(), keyspace, op);
    sum = std::move(*changed);
  } else {
    for (const auto& key : batch.keys) {
      if (key.empty()) co_return refuse(errc::bad_key, "one of the keys is empty; none was purged");
      if (key.size() <= keyspace.options().max_key) continue;
      co_return refuse(
          errc::too_large,
          "a key is over max_key of the keyspace, " + std::to_string(keyspace.options().max_key) +
              " bytes; none was purged"
      );
    }
    const auto executor = co_await asio::this_coro::executor;
    purge_run run{
        .of = keyspace,
        .keys = std::move(batch.keys),
        .request = request,
        .ended = asio::steady_timer(executor),
    };
    const auto count = run.keys.size();
    co_await purge_all(run);
    if (run.failures != 0) {
      auto done = failure(run.failed, keyspace, op);
      done.response = problem(
          static_cast<errc>(done.outcome.index()),
          std::to_string(run.failures) + " of " + std::to_string(count) +
              " keys were not purged; repeat the request, purging twice does no harm"
      );
      co_return done;
    }
    sum.unconfirmed.assign(run.unconfirmed.begin(), run.unconfirmed.end());
    sum.bound = run.bound;
  }
  json_writer json;
  write_unconfirmed(json, sum);
  door_answer done{json_answer(json, sum.is_partial() ? 202 : 200), {}};
  if (sum.is_partial()) done.outcome = door_outcome::partial();
  co_return done;
}

}  // namespace weir
