#pragma once

#include "entries/spinlock.hpp"

#include <weir/engine/environment.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace weir {

/// Keys whose source may still be changing after a write of unknown outcome (R3): until then their
/// loads answer but are not kept.
///
/// Known by hash: two keys of one hash are doubtful together. When more keys are in doubt than it
/// can hold, all are, until the last of them is settled. Thread-safe; contains() costs one load
/// while nothing is in doubt.
class doubtful_keys {
 public:
  static constexpr std::size_t max_keys = 1024;

  /// From now on, until `until`.
  void mark(std::uint64_t hash, time_point until) {
    const std::lock_guard lock(mutex_);
    if (until_.size() >= max_keys && !until_.contains(hash)) {
      all_until_ = std::max(all_until_, until);
    } else {
      auto& held = until_.try_emplace(hash, until).first->second;
      held = std::max(held, until);
    }
    is_any_.store(true, std::memory_order_release);
  }

  /// Whether what the source said at `at` may be outdated by such a write.
  bool contains(std::uint64_t hash, time_point at) const noexcept {
    if (!is_any_.load(std::memory_order_acquire)) return false;
    const std::lock_guard lock(mutex_);
    if (at < all_until_) return true;
    const auto found = until_.find(hash);
    return found != until_.end() && at < found->second;
  }

  /// Forgets what was settled before `now`.
  void settle(time_point now) {
    const std::lock_guard lock(mutex_);
    boost::unordered::erase_if(until_, [now](const auto& each) { return each.second <= now; });
    is_any_.store(!until_.empty() || now < all_until_, std::memory_order_release);
  }

  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return until_.size();
  }

 private:
  std::atomic<bool> is_any_{false};
  mutable spinlock mutex_;  // guards the following
  boost::unordered_flat_map<std::uint64_t, time_point> until_;
  time_point all_until_ = time_point::min();
};

}  // namespace weir
