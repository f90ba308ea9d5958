#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace weir {

/// Which hosts kept silent on a connection that had worked, and since when: those that have been idle
/// since before are as good as dead, on whatever loop they are. Thread-safe.
class silent_hosts {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  explicit silent_hosts(std::chrono::milliseconds remembered) : remembered_(remembered) {}

  void note(const std::string& name, time_point since) {
    const std::lock_guard lock(mutex_);
    std::erase_if(since_, [&](const auto& each) { return each.second < since - remembered_; });
    auto& known = since_.try_emplace(name, since).first->second;
    known = std::max(known, since);
  }

  /// The earliest time when nothing is known.
  time_point since(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    const auto found = since_.find(name);
    return found == since_.end() ? time_point::min() : found->second;
  }

 private:
  const std::chrono::milliseconds remembered_;  // no connection is idle for longer
  mutable std::mutex mutex_;
  std::map<std::string, time_point> since_;
};

}  // namespace weir
