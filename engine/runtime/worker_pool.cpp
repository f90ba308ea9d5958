#include "runtime/worker_pool.hpp"

#include "runtime/quiet_thread.hpp"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

thread_local const worker_pool* current_pool = nullptr;

}  // namespace

error_code worker_pool::run(completion<> job) {
  completion<> refused;  // destroyed after the lock is gone
  std::lock_guard lock(mutex_);
  if (is_stopping_) return errc::unavailable;
  if (queue_.size() >= limits_.queue) return errc::overloaded;
  queue_.push_back(std::move(job));
  if (ensure_thread()) return {};
  refused = std::move(queue_.back());
  queue_.pop_back();
  return errc::overloaded;
}

/// After a job came or a place became free: wakes or makes one thread if that is of use.
/// False when there is no thread that will take the queued jobs.
bool worker_pool::ensure_thread() noexcept {
  const std::size_t places = limits_.working - std::min(working_, limits_.working);
  const std::size_t needed = std::min(places, queue_.size());
  if (idle() >= needed) {
    wake_.notify_one();
  } else if (threads_.size() < limits_.total) {
    add_thread();
  }
  return working_ + idle() > 0;
}

void worker_pool::add_thread() noexcept {
  try {
    const auto self = threads_.emplace(threads_.end());
    try {
      *self = quiet_thread("weir-worker", [this, self] { work(self); });
    } catch (...) {
      threads_.erase(self);
    }
  } catch (...) {  // out of memory or threads: fewer will do, if there is one
  }
}

void worker_pool::work(thread_list::iterator self) {
  current_pool = this;
  thread_list left_before;
  std::unique_lock lock(mutex_);
  for (;;) {
    const bool woken =
        wake_.wait_for(lock, limits_.idle, [this] { return is_stopping_ || may_take(); });
    if (is_stopping_ || !woken) break;
    {
      completion<> job = std::move(queue_.front());
      queue_.pop_front();
      ++working_;
      lock.unlock();
      std::move(job)();
    }
    lock.lock();
    --working_;
  }
  left_before.splice(left_before.end(), left_);
  if (!is_stopping_) left_.splice(left_.end(), threads_, self);
  lock.unlock();
  for (auto& thread : left_before) thread.join();
  current_pool = nullptr;
}

void worker_pool::begin_wait() noexcept {
  if (!is_mine()) return;
  std::deque<completion<>> dropped;  // destroyed after the lock is gone
  std::lock_guard lock(mutex_);
  --working_;
  ++waiting_;
  if (!queue_.empty() && !ensure_thread()) dropped.swap(queue_);
}

void worker_pool::end_wait() noexcept {
  if (!is_mine()) return;
  std::lock_guard lock(mutex_);
  --waiting_;
  ++working_;
}

void worker_pool::stop() noexcept {
  std::deque<completion<>> dropped;
  thread_list ended;
  {
    std::lock_guard lock(mutex_);
    is_stopping_ = true;
    dropped.swap(queue_);
    wake_.notify_all();
  }
  dropped.clear();
  for (;;) {
    std::unique_lock lock(mutex_);
    if (threads_.empty() && left_.empty()) return;
    ended.splice(ended.end(), threads_, threads_.begin(), threads_.end());
    ended.splice(ended.end(), left_);
    lock.unlock();
    for (auto& thread : ended) thread.join();
    ended.clear();
  }
}

bool worker_pool::is_mine() const noexcept {
  return current_pool == this;
}

worker_pool::counts worker_pool::count() const {
  std::lock_guard lock(mutex_);
  return {threads_.size(), waiting_, queue_.size()};
}

}  // namespace weir
