// POST: several keys of a keyspace at once.
#include "http/door_batch.hpp"

#include "http/http_door_impl.hpp"

#include <weir/transport/http_target.hpp>
#include <weir/transport/text.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <set>
#include <unordered_set>
#include <utility>
#include <vector>

namespace weir {
namespace {

constexpr std::size_t max_reply = 16 * 1024 * 1024;
constexpr std::size_t piece_size = 32 * 1024;
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

/// The answer for one key.
struct batch_row {
  std::string key;
  std::optional<lookup> found;
  door_outcome outcome;
  error why;  ///< when nothing was found out
};

/// The lines of an answer, made as the client takes them: meanwhile the values are only referred to,
/// and one that stands there many times is there once.
class batch_lines final : public http_pieces {
 public:
  batch_lines(std::vector<batch_row> rows, bool as_base64)
      : http_pieces(size_of(rows)), rows_(std::move(rows)), as_base64_(as_base64) {}

  bool next(std::string& piece) override {
    const auto start = piece.size();
    while (next_ != rows_.size() && piece.size() - start < piece_size) append_line(piece);
    return next_ != rows_.size();
  }

 private:
  static std::size_t size_of(const std::vector<batch_row>& rows) {
    std::unordered_set<const char*> seen;
    std::size_t values = 0;
    std::size_t largest = 0;
    for (const auto& row : rows) {
      if (!row.found) continue;
      const auto value = row.found->entry.value.view();
      if (seen.insert(value.data()).second) values += value.size();
      largest = std::max(largest, value.size());
    }
    const auto line = largest + largest / 3;  // in base64
    return values + 3 * (line + 2 * piece_size) + rows.size() * sizeof(batch_row);
  }

  void append_line(std::string& piece) {
    auto row = std::move(rows_[next_++]);
    line_.clear();
    const auto* entry = row.found ? &*row.found : nullptr;
    const bool fits = entry == nullptr || entry->entry.value.size() + written_ <= max_reply;
    if (fits) write_line(line_, row.key, as_base64_, entry, row.outcome.name(), row.why);
    if (!fits || written_ + line_.size() > max_reply) {
      line_.clear();
      const error full(
          errc::too_large,
          {.detail =
               "the answer is full, " + std::to_string(max_reply) + " bytes; ask for it alone"}
      );
      write_line(line_, row.key, as_base64_, nullptr, name(errc::too_large), full);
    }
    written_ += line_.size();
    piece.append(line_.text());
  }

  std::vector<batch_row> rows_;
  const bool as_base64_;
  std::size_t next_ = 0;
  std::size_t written_ = 0;
  json_writer line_;
};

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
  auto found = co_await keyspace.async_get_many(batch.keys, how);
  door_answer done;
  std::vector<batch_row> rows(found.size());
  std::size_t bytes_in_all = 0;
  for (std::size_t i = 0; i != found.size(); ++i) {
    auto& row = rows[i];
    row.key = std::move(batch.keys[i]);
    bytes_in_all += row.key.size();
    if (!found[i]) {
      row.why = found[i].error();
      row.outcome = failure(row.why, keyspace, door_op::get_many).outcome;
      continue;
    }
    if (!found[i]->found) row.outcome = errc::not_found;
    bytes_in_all += found[i]->entry.value.size();
    if (bytes_in_all <= max_reply) done.served += found[i]->entry.value.size();
    row.found = std::move(*found[i]);
  }
  auto lines = std::make_shared<batch_lines>(std::move(rows), batch.is_base64);
  if (bytes_in_all > piece_size) {
    done.response.pieces = std::move(lines);
  } else {
    std::string text;
    while (lines->next(text)) {
    }
    done.response.body = bytes(text);
  }
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
      if (key.size() <= keyspace.max_key()) continue;
      co_return refuse(
          errc::too_large,
          "a key is over max_key of the keyspace, " + std::to_string(keyspace.max_key()) +
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
