#pragma once

#include <weir/engine/environment.hpp>

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <list>
#include <mutex>
#include <thread>

namespace weir {

/// Threads for blocking code: made on demand, gone after a while without work, bounded in all ways.
///
/// A job may wait for another job of the same pool, however deep, when it says so with
/// begin_wait(): a thread that waits is not counted among the `working` ones, so another may take
/// its place.
///
///   invariant: while jobs are queued, some thread works, or is on its way to take a job.
///
/// It could only break when a thread begins to wait and `total` threads exist already, all of them
/// waiting. Then no thread would ever take the queued jobs, and those that wait may wait for just
/// these: so they are dropped, which their owners notice by the destruction of the job.
/// Thread-safe.
class worker_pool {
 public:
  struct limits {
    /// Threads that work at the same time; more only after waits that end together.
    std::size_t working = 64;
    std::size_t total = 512;                 ///< threads, those that wait included
    std::size_t queue = 4096;                ///< jobs that no thread has taken yet
    std::chrono::milliseconds idle{10'000};  ///< then a thread without work goes
  };

  explicit worker_pool(limits of) noexcept : limits_(of) {}

  ~worker_pool() { stop(); }

  worker_pool(const worker_pool&) = delete;
  worker_pool& operator=(const worker_pool&) = delete;

  /// Runs `job` on a thread of the pool. errc::overloaded when the queue is full or no thread can
  /// ever come to it, errc::unavailable after stop().
  error_code run(completion<> job);

  /// To be called by a job before and after it waits; nothing happens on other threads.
  void begin_wait() noexcept;
  void end_wait() noexcept;

  /// Drops queued jobs, waits for running ones and ends all threads. Not on a thread of the pool.
  void stop() noexcept;

  /// True on a thread of this pool.
  bool is_mine() const noexcept;

  /// Threads there are now, and how many of them are inside begin_wait().
  struct counts {
    std::size_t threads = 0;
    std::size_t waiting = 0;
    std::size_t queued = 0;
  };

  counts count() const;

 private:
  using thread_list = std::list<std::thread>;

  void work(thread_list::iterator self);

  bool may_take() const noexcept { return !queue_.empty() && working_ < limits_.working; }

  bool ensure_thread() noexcept;
  void add_thread() noexcept;

  std::size_t idle() const noexcept { return threads_.size() - working_ - waiting_; }

  const limits limits_;
  mutable std::mutex mutex_;  // guards the following
  std::condition_variable wake_;
  std::deque<completion<>> queue_;
  thread_list threads_;  // idle, working or waiting
  thread_list left_;     // on their way out, to be joined
  std::size_t working_ = 0;
  std::size_t waiting_ = 0;
  bool is_stopping_ = false;
};

}  // namespace weir
