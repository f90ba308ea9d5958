#pragma once

#include "runtime/boot_clock.hpp"
#include "runtime/timer_queue.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <cstdint>
#include <mutex>
#include <thread>

namespace weir {

/// One io_context with the thread that runs it and its timers.
///
/// The timers hang on one timerfd of CLOCK_BOOTTIME: it wakes the loop after a suspend too, and any
/// thread can set it without a detour over the loop.
class event_loop {
 public:
  /// Starts nothing yet. Throws std::system_error when there are no more file descriptors.
  event_loop(const void* owner, std::uint8_t index, const boot_clock& clock);
  ~event_loop();

  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;

  void start();

  /// Ends the thread; drops the timers. Not on this loop's thread.
  void stop() noexcept;

  /// Destroys everything that still waits on the io_context. After stop() of all loops and before
  /// any of them goes: what waits on one may hold on to another.
  void drop_all() { io_.shutdown(); }

  timer_id schedule(time_point when, completion<> callback);
  void cancel(timer_id timer) noexcept;

  asio::io_context& io() noexcept { return io_; }

  std::uint8_t index() const noexcept { return index_; }

  /// The loop that the calling thread runs; null on any other thread.
  static event_loop* current() noexcept;

  const void* owner() const noexcept { return owner_; }

 private:
  struct context : asio::io_context {
    using execution_context::shutdown;
    using io_context::io_context;
  };

  static constexpr std::int64_t unarmed = INT64_MAX;

  void run();
  void wait_for_timers();
  void run_due();
  void arm(time_point when) noexcept;

  const void* owner_;
  const std::uint8_t index_;
  const boot_clock& clock_;
  context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  asio::posix::stream_descriptor alarm_;
  std::mutex mutex_;  // guards the following
  timer_queue timers_;
  std::int64_t armed_ = unarmed;  // when the alarm rings; may be earlier than the first timer
  bool is_stopped_ = false;
  std::thread thread_;
};

}  // namespace weir
