#include <weir/engine/typed_events.hpp>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace weir {

std::string_view name(typed_event::kind what) noexcept {
  switch (what) {
    case typed_event::kind::unreadable:
      return "unreadable";
    case typed_event::kind::refused_by_guard:
      return "refused_by_guard";
    case typed_event::kind::put_refused:
      return "put_refused";
    case typed_event::kind::invalidation_failed:
      break;
  }
  return "invalidation_failed";
}

struct event_line::state {
  std::function<void(const typed_event&)> listener;
  std::size_t max_waiting;
  std::mutex mutex;
  std::condition_variable changed;
  std::deque<typed_event> waiting;
  bool is_closed = false;
  std::atomic<std::uint64_t> dropped{0};
  std::thread thread;

  void run() {
    std::unique_lock lock(mutex);
    while (true) {
      changed.wait(lock, [this] { return is_closed || !waiting.empty(); });
      if (is_closed) return;
      const auto next = std::move(waiting.front());
      waiting.pop_front();
      lock.unlock();
      try {
        listener(next);
      } catch (...) {  // the listener's own affair
      }
      lock.lock();
    }
  }
};

event_line::event_line(std::function<void(const typed_event&)> listener, std::size_t max_waiting)
    : state_(std::make_unique<state>()) {
  if (!listener) throw std::invalid_argument("weir: event_line was given an empty function");
  state_->listener = std::move(listener);
  state_->max_waiting = max_waiting;
  state_->thread = std::thread([of = state_.get()] { of->run(); });
}

event_line::~event_line() {
  close();
}

void event_line::operator()(const typed_event& event) {
  {
    const std::lock_guard lock(state_->mutex);
    if (state_->is_closed || state_->waiting.size() >= state_->max_waiting) {
      state_->dropped.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    state_->waiting.push_back(event);
  }
  state_->changed.notify_one();
}

void event_line::close() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->is_closed = true;
    state_->dropped.fetch_add(state_->waiting.size(), std::memory_order_relaxed);
    state_->waiting.clear();
  }
  state_->changed.notify_all();
  if (state_->thread.joinable()) state_->thread.join();
}

std::uint64_t event_line::dropped() const noexcept {
  return state_->dropped.load(std::memory_order_relaxed);
}

}  // namespace weir
