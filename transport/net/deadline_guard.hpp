#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <utility>

namespace weir {

/// Calls `expire` (which closes or cancels what is awaited) if the guard still lives at `deadline`.
///
/// Stands in for asio::cancel_after, which Boost 1.81 lacks. For executors that run one thread:
/// guard, expiry and what they guard take turns. `expire` must stay callable as long as the guard
/// lives.
class deadline_guard {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  deadline_guard(
      const boost::asio::any_io_executor& executor,
      time_point deadline,
      std::function<void()> expire
  )
      : state_(std::make_shared<state>(executor, deadline, std::move(expire))) {
    state_->timer.async_wait([watched = state_](const boost::system::error_code& stopped) {
      if (stopped || !watched->expire) return;
      watched->expired = true;
      watched->expire();
    });
  }

  deadline_guard(const deadline_guard&) = delete;
  deadline_guard& operator=(const deadline_guard&) = delete;

  ~deadline_guard() {
    state_->expire = nullptr;
    state_->timer.cancel();
  }

  /// True once `expire` has been called.
  bool expired() const noexcept { return state_->expired; }

 private:
  struct state {
    state(
        const boost::asio::any_io_executor& executor,
        time_point deadline,
        std::function<void()> call
    )
        : timer(executor, deadline), expire(std::move(call)) {}

    boost::asio::steady_timer timer;
    std::function<void()> expire;
    bool expired = false;
  };

  std::shared_ptr<state> state_;
};

}  // namespace weir
