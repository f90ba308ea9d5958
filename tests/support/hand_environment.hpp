#pragma once

#include <weir/engine/environment.hpp>

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <iterator>
#include <map>
#include <utility>

namespace weir::test {

/// A world in the hand of one test: time stands still until pass(), what is posted runs in run().
class hand_environment final : public environment {
 public:
  time_point now() const noexcept override { return now_; }

  time_point coarse_now() const noexcept override { return now_; }

  /// 1, 2, 3, ...
  std::uint64_t random() noexcept override { return ++last_random_; }

  std::uint64_t hash_seed() const noexcept override { return 0x5eed; }

  asio::any_io_executor executor() noexcept override { return loop_.get_executor(); }

  bool on_event_loop() const noexcept override { return true; }

  timer_id schedule(time_point when, completion<> callback) override {
    timers_.emplace(++last_timer_, timer{when, std::move(callback)});
    return last_timer_;
  }

  void cancel(timer_id timer) noexcept override { timers_.erase(timer); }

  error_code run_blocking(completion<> work) override {
    std::move(work)();
    return {};
  }

  void begin_wait() noexcept override {}

  void end_wait() noexcept override {}

  /// Runs what was posted, and what that posts.
  void run() {
    loop_.restart();
    loop_.poll();
  }

  /// Lets time pass, and runs what is due then.
  void pass(steady_duration time) {
    now_ += time;
    for (auto next = timers_.begin(); next != timers_.end();) {
      if (next->second.when > now_) {
        ++next;
        continue;
      }
      auto due = std::move(next->second.callback);
      timers_.erase(next);
      std::move(due)();
      next = timers_.begin();
    }
    run();
  }

  std::size_t timers() const { return timers_.size(); }

 private:
  struct timer {
    time_point when;
    completion<> callback;
  };

  time_point now_{std::chrono::hours(1)};
  std::uint64_t last_random_ = 0;
  timer_id last_timer_ = 0;
  std::map<timer_id, timer> timers_;
  asio::io_context loop_;
};

}  // namespace weir::test
