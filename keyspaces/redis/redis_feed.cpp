#include "redis/redis_feed.hpp"

#include "redis/redis_failure.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <deque>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>

namespace weir {
namespace {

using clock = std::chrono::steady_clock;

constexpr std::chrono::seconds longest_login{5};
constexpr std::size_t longest_key = 64 * 1024;  // a longer one stands for everything
constexpr std::size_t questions_at_once = 256;

constexpr std::string_view hash_script =
    "local now = redis.call('GET', KEYS[1]) return now and redis.sha1hex(now)";

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
  listener(change_sink& to, const settings& of, const asio::any_io_executor& here)
      : to_(to), of_(of), pause_(here) {}

  /// Begins to tell: what comes before is covered by the reset.
  void reset() {
    is_on_ = true;
    to_.reset();
  }

  /// Tells what others have changed, and puts aside what this process may have.
  void pushed(const resp_value& push) {
    if (!is_on_) return;
    std::vector<source_change> changes;
    add_redis_changes(changes, push, of_.prefix);
    const auto is_own = [&](const source_change& each) {
      return !each.key.empty() && of_.own && of_.own->has(of_.prefix + each.key);
    };
    const auto own = std::stable_partition(changes.begin(), changes.end(), std::not_fn(is_own));
    if (own != changes.begin()) to_.apply({changes.begin(), own});
    own_.insert(own_.end(), std::make_move_iterator(own), std::make_move_iterator(changes.end()));
    if (!own_.empty()) pause_.cancel();
  }

  std::size_t put_aside() const noexcept { return own_.size(); }

  /// The first of what was put aside.
  std::vector<source_change> take_own(std::size_t most) {
    const auto count = std::min(own_.size(), most);
    const auto end = own_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<source_change> taken(
        std::make_move_iterator(own_.begin()), std::make_move_iterator(end)
    );
    own_.erase(own_.begin(), end);
    return taken;
  }

  void tell(std::span<const source_change> changes) { to_.apply(changes); }

  void alive(time_point asked) { to_.alive(asked); }

  /// Ends at `when`, when something was put aside, or with the connection.
  asio::awaitable<void> async_pause(clock::time_point when) {
    if (is_over_ || !own_.empty()) co_return;
    pause_.expires_at(when);
    co_await pause_.async_wait(asio::as_tuple(asio::use_awaitable));
  }

  bool is_over() const noexcept { return is_over_; }

  void ended() {
    is_over_ = true;
    pause_.cancel();
  }

 private:
  change_sink& to_;
  const settings of_;
  asio::steady_timer pause_;
  std::deque<source_change> own_;
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
  const auto by = std::make_shared<listener>(to, settings_, here);
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

// On one connection, so that an answer to PING comes behind every push of before; what was put aside
// until then is told before it is said that all was.
asio::awaitable<std::string> redis_feed::listen(
    std::weak_ptr<resp_connection> on, listener& by, const environment& env
) {
  const auto& prefix = settings_.prefix;
  resp_commands track;
  track.begin(prefix.empty() ? 4 : 6);
  for (const auto* each : {"CLIENT", "TRACKING", "ON", "BCAST"}) track.argument(each);
  if (!prefix.empty()) {
    track.argument("PREFIX");
    track.argument(prefix);
  }
  auto refused = co_await ask_feed(on, std::move(track), clock::now() + longest_login);
  if (refused) co_return std::move(*refused);
  by.reset();
  auto next = clock::now();
  while (true) {
    const bool is_due = by.is_over() || clock::now() >= next;  // a PING says why it is over
    const auto asked = env.now();
    if (is_due) {
      next = clock::now() + change_feed::heartbeat;
      resp_commands ping;
      ping.add({"PING"});
      refused = co_await ask_feed(on, std::move(ping), clock::now() + change_feed::lost_after);
      if (refused) co_return std::move(*refused);
    }
    refused = co_await tell_own(on, by);
    if (refused) co_return std::move(*refused);
    if (is_due) by.alive(asked);
    co_await by.async_pause(next);
  }
}

/// Asks for the hashes of what is put aside by now, and tells it.
asio::awaitable<std::optional<std::string>> redis_feed::tell_own(
    std::weak_ptr<resp_connection> on, listener& by
) {
  const auto until = clock::now() + change_feed::lost_after;
  for (auto left = by.put_aside(); left > 0;) {
    auto changes = by.take_own(std::min(left, questions_at_once));
    left -= changes.size();
    auto questions = std::make_shared<resp_commands>();
    for (const auto& each : changes)
      questions->add({"EVAL", hash_script, "1", settings_.prefix + each.key});
    auto outcome = co_await resp_connection::async_call(on, std::move(questions), until);
    if (outcome.fault) co_return std::move(outcome.fault->text);
    for (std::size_t i = 0; i != changes.size(); ++i) {
      auto& answer = outcome.answers[i];
      if (answer.kind == resp_kind::bulk) changes[i].etag = std::move(answer.text);
    }
    by.tell(changes);
  }
  co_return std::nullopt;
}

}  // namespace weir
