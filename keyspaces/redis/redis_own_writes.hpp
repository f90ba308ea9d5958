#pragma once

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <unordered_set>

namespace weir {

/// The names that this process wrote of late: those of which Redis soon tells it. Thread-safe.
///
/// Some may be forgotten early and some late: that costs a load, or a question to Redis.
class redis_own_writes {
 public:
  static constexpr std::size_t max_names = 4096;  // twice as many are held at most
  static constexpr std::chrono::seconds kept{5};

  /// To be called before the write is sent.
  void note(const std::string& name) {
    const auto now = std::chrono::steady_clock::now();
    const std::lock_guard lock(mutex_);
    if (recent_.size() == max_names || now - since_ > kept) {
      former_.swap(recent_);
      recent_.clear();
      since_ = now;
    }
    recent_.insert(name);
  }

  bool has(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    return recent_.contains(name) || former_.contains(name);
  }

 private:
  mutable std::mutex mutex_;  // guards the following
  std::unordered_set<std::string> recent_, former_;
  std::chrono::steady_clock::time_point since_;
};

}  // namespace weir
