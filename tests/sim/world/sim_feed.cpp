#include "tests/sim/world/sim_feed.hpp"

#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <utility>

namespace weir::sim {

/// The feed of one keyspace at one incarnation of a node.
class node_feed final : public change_feed, public std::enable_shared_from_this<node_feed> {
 public:
  node_feed(feed_board& board, sim_environment& env) : board_(board), env_(env) {
    board_.feeds_.push_back(this);
  }

  ~node_feed() override { std::erase(board_.feeds_, this); }

  asio::awaitable<error> async_run(change_sink& to, load_context) override {
    const auto self = shared_from_this();
    auto dial = [this](auto handler) {
      env_.run_at(env_.world().now() + board_.random_.between(2ms, 60ms), std::move(handler));
    };
    co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(dial, asio::use_awaitable);
    connect(to);
    auto wait = [this](auto handler) {
      end_ = std::move(handler);
      beat(connection_);
    };
    co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(wait, asio::use_awaitable);
    co_return errc::source_failed;
  }

  void cut() override {
    ++connection_;
    if (end_) env_.run_at(env_.world().now(), std::exchange(end_, {}));
  }

  void changed(const std::string& key) {
    deliver([this, key, made = env_.world().now()] {
      if (board_.watcher_.told) board_.watcher_.told(env_.owner(), board_.keyspace_, key, made);
      const source_change change{.key = key, .etag = {}};
      sink_->apply({&change, 1});
    });
  }

 private:
  void connect(change_sink& to) {
    auto& random = board_.random_;
    const auto& habits = board_.habits_;
    sink_ = &to;
    const auto number = ++connection_;
    is_silent_ = false;
    const bool is_slow = random.chance(habits.slow);
    lag_ = is_slow ? random.between(habits.calm_lag, habits.worst_lag)
                   : random.between(1ms, habits.calm_lag);
    last_ = env_.world().now();
    const auto end = last_ + random.exponential(habits.mean_life, habits.longest_life);
    const bool ends_silently = random.chance(habits.silent);
    if (board_.watcher_.reset) board_.watcher_.reset(env_.owner(), board_.keyspace_);
    to.reset();
    env_.run_at(end, [weak = weak_from_this(), number, ends_silently] {
      const auto self = weak.lock();
      if (!self || self->connection_ != number) return;
      self->is_silent_ = true;
      if (!ends_silently) self->cut();
    });
  }

  void beat(std::uint64_t number) {
    if (connection_ != number) return;
    deliver([this, asked = env_.now()] { sink_->alive(asked); });
    env_.run_at(env_.world().now() + heartbeat, [weak = weak_from_this(), number] {
      if (const auto self = weak.lock()) self->beat(number);
    });
  }

  /// In order, after the lag of this connection, if that lives so long.
  template <class Word>
  void deliver(Word word) {
    if (!end_ || is_silent_) return;
    last_ = std::max(last_, env_.world().now() + lag_);
    auto arrive = [weak = weak_from_this(), number = connection_, word = std::move(word)] {
      const auto self = weak.lock();
      if (self && self->connection_ == number && !self->is_silent_) word();
    };
    env_.run_at(last_, std::move(arrive));
  }

  feed_board& board_;
  sim_environment& env_;
  change_sink* sink_ = nullptr;  // valid while connected
  completion<> end_;
  std::uint64_t connection_ = 0;
  bool is_silent_ = false;
  duration lag_{0};
  instant last_{0};
};

std::shared_ptr<change_feed> feed_board::at(sim_environment& env, const std::string& keyspace) {
  return is_told(keyspace) ? std::make_shared<node_feed>(*this, env) : nullptr;
}

void feed_board::changed(const std::string& keyspace, const std::string& key) {
  if (!is_told(keyspace)) return;
  for (auto* each : feeds_) each->changed(key);
}

}  // namespace weir::sim
