#include "resp/resp_call.hpp"

#include "net/as_tuple.hpp"

#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>

#include <utility>

namespace weir {

/// The waiter's timer, known to the call as long as the coroutine lives that waits.
class resp_call::waiting {
 public:
  waiting(std::shared_ptr<resp_call> of, const asio::any_io_executor& here, time_point deadline)
      : of_(std::move(of)), timer_(here, deadline) {
    const std::lock_guard lock(of_->mutex_);
    of_->timer_ = &timer_;
  }

  waiting(const waiting&) = delete;
  waiting& operator=(const waiting&) = delete;

  ~waiting() {
    const std::lock_guard lock(of_->mutex_);
    of_->timer_ = nullptr;
  }

  asio::steady_timer& timer() noexcept { return timer_; }

 private:
  const std::shared_ptr<resp_call> of_;
  asio::steady_timer timer_;
};

asio::awaitable<resp_outcome> resp_call::async_wait(
    std::shared_ptr<resp_call> self, time_point deadline
) {
  const auto here = co_await asio::this_coro::executor;
  waiting until_then(self, here, deadline);
  bool is_over = false;
  {
    const std::lock_guard lock(self->mutex_);
    is_over = self->is_over_;
  }
  if (!is_over) co_await until_then.timer().async_wait(as_tuple);
  const std::lock_guard lock(self->mutex_);
  if (!std::exchange(self->is_over_, true)) {
    self->outcome_.answers.clear();
    self->outcome_.fault = resp_fault{resp_fault::kind::late, "no answer in time", self->was_sent_};
  }
  co_return std::move(self->outcome_);
}

bool resp_call::begin_sending(time_point now) {
  sent_at_ = now;
  const std::lock_guard lock(mutex_);
  was_sent_ = !is_over_;
  return was_sent_;
}

bool resp_call::answer(resp_value value) {
  const std::lock_guard lock(mutex_);
  const bool is_last = ++answered_ == commands_->count();
  if (is_over_) return is_last;
  outcome_.answers.push_back(std::move(value));
  if (is_last) finish();
  return is_last;
}

void resp_call::fail(resp_fault fault) {
  const std::lock_guard lock(mutex_);
  if (is_over_) return;
  fault.was_sent = was_sent_;
  outcome_.answers.clear();
  outcome_.fault = std::move(fault);
  finish();
}

// The executor of the waiter lives while its timer is known here: to go, it needs the lock.
void resp_call::finish() {
  is_over_ = true;
  if (timer_ == nullptr) return;
  const auto there = timer_->get_executor();
  asio::post(there, [self = shared_from_this()] {
    const std::lock_guard lock(self->mutex_);
    if (self->timer_ != nullptr) self->timer_->expires_at(time_point::min());
  });
}

}  // namespace weir
