#include "load_limiter.hpp"

#include <utility>

namespace weir {

void load_limiter::acquire(completion<result<void>> granted) {
  result<void> answer;
  {
    const std::lock_guard lock(mutex_);
    if (running_ < limits_.concurrent) {
      ++running_;
    } else if (queue_.size() < limits_.queue && stuck_ < limits_.concurrent) {
      queue_.push_back(std::move(granted));
      return;
    } else {
      answer = errc::overloaded;
    }
  }
  std::move(granted)(answer);
}

void load_limiter::release() {
  completion<result<void>> next;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.empty()) {
      --running_;
      return;
    }
    next = std::move(queue_.front());
    queue_.pop_front();
  }
  std::move(next)(result<void>());
}

void load_limiter::call_is_stuck() {
  std::deque<completion<result<void>>> refused;
  {
    const std::lock_guard lock(mutex_);
    if (++stuck_ >= limits_.concurrent) refused.swap(queue_);
  }
  for (auto& each : refused) std::move(each)(errc::overloaded);
}

void load_limiter::call_returned_late() {
  {
    const std::lock_guard lock(mutex_);
    --stuck_;
  }
  release();
}

void load_limiter::close(errc why) {
  std::deque<completion<result<void>>> refused;
  {
    const std::lock_guard lock(mutex_);
    refused.swap(queue_);
  }
  for (auto& each : refused) std::move(each)(why);
}

std::size_t load_limiter::running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

}  // namespace weir
