#include "redis/redis_feed.hpp"

#include "redis/redis_failure.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <optional>
#include <utility>

namespace weir {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::seconds longest_login{5};
constexpr std::size_t longest_key = 64 * 1024;  // a longer one stands for everything

/// Sends one command; why it did not succeed, in words.
asio::awaitable<std::optional<std::string>> ask_feed(
    std::weak_ptr<resp_connection> on, resp_commands command, clock::time_point until
) {
  auto shared = std::make_shared<const resp_commands>(std::move(command));
  auto outcome = co_await resp_connection::async_call(std::move(on), std::move(shared), until);
  if (outcome.fault) co_return std::move(outcome.fault->text);
  auto& answer = outcome.answers.front();
  if (answer.is_error()) co_return std::move(answer.text);
  co_return std::nullopt;
}

}  // namespace

void add_redis_changes(
    std::vector<source_change>& to, const resp_value& push, std::string_view prefix
) {
  if (push.items.empty() || push.items.front().text != "invalidate") return;
  const bool has_keys = push.items.size() == 2 && push.items[1].kind == resp_kind::array;
  if (!has_keys) return to.push_back({});
  for (const auto& each : push.items[1].items) {
    const bool is_named = each.kind == resp_kind::bulk && each.text.starts_with(prefix);
    to.push_back({.key = is_named ? each.text.substr(prefix.size()) : "", .etag = ""});
  }
}

/// What stands between the connection and the sink, on the loop of both.
class redis_feed::listener {
 public:
  listener(change_sink& to, std::string prefix, const asio::any_io_executor& here)
      : to_(to), prefix_(std::move(prefix)), pause_(here) {}

  /// Begins to tell: what comes before is covered by the reset.
  void reset() {
    is_on_ = true;
    to_.reset();
  }

  void pushed(const resp_value& push) {
    if (!is_on_) return;
    std::vector<source_change> changes;
    add_redis_changes(changes, push, prefix_);
    if (!changes.empty()) to_.apply(changes);
  }

  void alive(time_point asked) { to_.alive(asked); }

  /// Ends at `when`, or with the connection.
  asio::awaitable<void> async_pause(clock::time_point when) {
    pause_.expires_at(when);
    if (!is_over_) co_await pause_.async_wait(asio::as_tuple(asio::use_awaitable));
  }

  void ended() {
    is_over_ = true;
    pause_.cancel();
  }

 private:
  change_sink& to_;
  const std::string prefix_;
  asio::steady_timer pause_;
  bool is_on_ = false, is_over_ = false;
};

/// The connection that cut() ends, for as long as the coroutine lives that uses it.
class redis_feed::holding {
 public:
  holding(redis_feed& by, std::shared_ptr<resp_connection> used) : by_(by), used_(std::move(used)) {
    const std::lock_guard lock(by_.mutex_);
    by_.used_ = used_;
    by_.is_running_ = true;
    if (std::exchange(by_.is_cut_, false)) used_->close();
  }

  holding(const holding&) = delete;
  holding& operator=(const holding&) = delete;

  ~holding() {
    const std::lock_guard lock(by_.mutex_);
    by_.is_running_ = false;
    by_.used_.reset();
  }

  const std::shared_ptr<resp_connection>& connection() const noexcept { return used_; }

 private:
  redis_feed& by_;
  const std::shared_ptr<resp_connection> used_;
};

asio::awaitable<error> redis_feed::async_run(change_sink& to, load_context context) {
  const auto here = co_await asio::this_coro::executor;
  const auto by = std::make_shared<listener>(to, prefix_, here);
  auto options = server_->connection({.max_bulk = longest_key});
  options.pushed = [weak = std::weak_ptr(by)](const resp_value& push) {
    if (const auto held = weak.lock()) held->pushed(push);
  };
  options.ended = [weak = std::weak_ptr(by)] {
    if (const auto held = weak.lock()) held->ended();
  };
  const holding held(*this, resp_connection::open(here, std::move(options)));
  const auto words = co_await listen(held.connection(), *by, context.env);
  held.connection()->close();
  context.say("redis at " + server_->name() + ": " + redis_words(words));
  co_return errc::source_failed;
}

void redis_feed::cut() {
  const std::lock_guard lock(mutex_);
  is_cut_ = !is_running_;
  if (const auto used = used_.lock()) used->close();
}

// On one connection, so that an answer to PING comes behind every push of before.
asio::awaitable<std::string> redis_feed::listen(
    std::weak_ptr<resp_connection> on, listener& by, const environment& env
) {
  resp_commands track;
  track.begin(prefix_.empty() ? 4 : 6);
  for (const auto* each : {"CLIENT", "TRACKING", "ON", "BCAST"}) track.argument(each);
  if (!prefix_.empty()) {
    track.argument("PREFIX");
    track.argument(prefix_);
  }
  auto refused = co_await ask_feed(on, std::move(track), clock::now() + longest_login);
  if (refused) co_return std::move(*refused);
  by.reset();
  while (true) {
    const auto next = clock::now() + change_feed::heartbeat;
    const auto asked = env.now();
    resp_commands ping;
    ping.add({"PING"});
    refused = co_await ask_feed(on, std::move(ping), clock::now() + change_feed::lost_after);
    if (refused) co_return std::move(*refused);
    by.alive(asked);
    co_await by.async_pause(next);
  }
}

}  // namespace weir
