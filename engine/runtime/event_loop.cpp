#include "runtime/event_loop.hpp"

#include "runtime/quiet_thread.hpp"

#include <boost/asio/associated_executor.hpp>

#include <algorithm>
#include <cerrno>
#include <sys/timerfd.h>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace weir {
namespace {

constexpr int max_per_turn = 256;

thread_local event_loop* current_loop = nullptr;

int open_alarm() {
  const int opened = ::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  if (opened < 0) {
    throw std::system_error(
        errno, std::generic_category(), "weir: cannot make the timer of an event loop"
    );
  }
  return opened;
}

}  // namespace

event_loop::event_loop(const void* owner, std::uint8_t index, const boot_clock& clock)
    : owner_(owner),
      index_(index),
      clock_(clock),
      work_(asio::make_work_guard(io_)),
      alarm_(io_, open_alarm()),
      timers_(index) {}

event_loop::~event_loop() {
  stop();
}

event_loop* event_loop::current() noexcept {
  return current_loop;
}

void event_loop::start() {
  wait_for_timers();
  thread_ = quiet_thread("weir-loop-" + std::to_string(index_), [this] { run(); });
}

void event_loop::stop() noexcept {
  io_.stop();
  if (thread_.joinable()) thread_.join();
  std::vector<completion<>> dropped;
  std::unique_lock lock(mutex_);
  is_stopped_ = true;
  dropped = timers_.clear();
  lock.unlock();  // what the callbacks own may come back here
}

timer_id event_loop::schedule(time_point when, completion<> callback) {
  std::lock_guard lock(mutex_);
  if (is_stopped_) return 0;
  const timer_id made = timers_.add(when, std::move(callback));
  if (when.time_since_epoch().count() < armed_) arm(when);
  return made;
}

void event_loop::cancel(timer_id timer) noexcept {
  completion<> dropped;  // destroyed after the lock is gone
  std::lock_guard lock(mutex_);
  dropped = timers_.cancel(timer);
}

void event_loop::run() {
  current_loop = this;
  io_.run();
  current_loop = nullptr;
}

void event_loop::wait_for_timers() {
  alarm_.async_wait(asio::posix::stream_descriptor::wait_read, [this](const error_code& failed) {
    if (failed) return;
    run_due();
    wait_for_timers();
  });
}

void event_loop::run_due() {
  std::uint64_t rings = 0;
  [[maybe_unused]] const auto taken = ::read(alarm_.native_handle(), &rings, sizeof rings);
  const time_point now = clock_.now();
  const auto here = io_.get_executor();
  const asio::any_completion_executor here_too(here);

  // One at a time: a callback may cancel the next one. Bounded: a callback may add one that is due
  // at once.
  for (int count = 0; count < max_per_turn; ++count) {
    std::unique_lock lock(mutex_);
    completion<> due = timers_.pop_due(now);
    if (!due) break;
    lock.unlock();
    const auto where = asio::get_associated_executor(due, here);
    if (where == here_too) {
      std::move(due)();
    } else {
      where.execute(std::move(due));
    }
  }
  std::lock_guard lock(mutex_);
  armed_ = unarmed;
  if (const auto next = timers_.next()) arm(*next);
}

void event_loop::arm(time_point when) noexcept {
  armed_ = when.time_since_epoch().count();
  const std::int64_t at = std::max<std::int64_t>(armed_, 1);  // 0 would mean never
  itimerspec alarm{};
  alarm.it_value.tv_sec = at / 1'000'000'000;
  alarm.it_value.tv_nsec = at % 1'000'000'000;
  ::timerfd_settime(alarm_.native_handle(), TFD_TIMER_ABSTIME, &alarm, nullptr);
}

}  // namespace weir
