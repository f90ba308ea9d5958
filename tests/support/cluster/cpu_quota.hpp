#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <sys/types.h>
#include <thread>

namespace weir::test {

enum class quota_by : std::uint8_t {
  group_if_permitted,  ///< a control group, else signals
  signals,             ///< SIGSTOP and SIGCONT: harder, as it stops whoever has time left too
};

/// Lets a process run only for so much of each 100 ms while this object lives; the process must
/// live longer.
class cpu_quota {
 public:
  cpu_quota(pid_t process, std::chrono::milliseconds per_period, quota_by how);
  ~cpu_quota();

  cpu_quota(const cpu_quota&) = delete;
  cpu_quota& operator=(const cpu_quota&) = delete;

  /// "a control group" or "signals".
  std::string how() const;

  /// Periods in which it was held back so far.
  std::uint64_t held_back() const;

 private:
  bool make_group();
  void leave_group();
  void take_turns();

  const pid_t process_;
  const std::chrono::milliseconds per_period_;
  std::string parent_;  ///< folder of the group that has the process otherwise
  std::string group_;   ///< empty without one
  std::atomic<bool> is_over_{false};
  std::atomic<std::uint64_t> turns_{0};
  std::thread thread_;
};

/// What a process has used of all CPUs since it started.
std::chrono::milliseconds cpu_time(pid_t process);

}  // namespace weir::test
