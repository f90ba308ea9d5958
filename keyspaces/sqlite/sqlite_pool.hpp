#pragma once

#include <weir/engine/data_source.hpp>

#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace weir {

/// A bounded number of connections, each made when its place is first taken. Thread-safe.
template <class Connection>
class sqlite_pool {
 public:
  using connection_ptr = std::unique_ptr<Connection>;

  sqlite_pool(std::size_t places, connection_ptr first) : places_(places) {
    if (first) idle_.push_back(std::move(first));
  }

  /// The right to use one place until its end, and the connection there, which may be null.
  class place {
   public:
    place(sqlite_pool& of, connection_ptr held) : of_(of), held_(std::move(held)) {}

    ~place() { of_.give_back(std::move(held_)); }

    place(const place&) = delete;
    place& operator=(const place&) = delete;

    connection_ptr& get() noexcept { return held_; }

   private:
    sqlite_pool& of_;
    connection_ptr held_;
  };

  /// Waits for a place; null at the deadline.
  std::unique_ptr<place> take(const load_context& context) {
    std::unique_lock lock(mutex_);
    if (in_use_ == places_) {
      context.env.begin_wait();  // other sources may have this thread's place
      const auto is_free = [this] { return in_use_ < places_; };
      const bool came = returned_.wait_for(lock, context.deadline - context.env.now(), is_free);
      context.env.end_wait();
      if (!came) return nullptr;
    }
    ++in_use_;
    connection_ptr taken;
    if (!idle_.empty()) {
      taken = std::move(idle_.back());
      idle_.pop_back();
    }
    lock.unlock();
    return std::make_unique<place>(*this, std::move(taken));
  }

 private:
  void give_back(connection_ptr held) {
    const std::lock_guard lock(mutex_);
    --in_use_;
    if (held) idle_.push_back(std::move(held));
    returned_.notify_one();
  }

  const std::size_t places_;
  std::mutex mutex_;  // guards the following
  std::condition_variable returned_;
  std::vector<connection_ptr> idle_;
  std::size_t in_use_ = 0;
};

}  // namespace weir
