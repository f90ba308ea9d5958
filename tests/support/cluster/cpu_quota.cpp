#include "tests/support/cluster/cpu_quota.hpp"

#include <filesystem>
#include <fstream>
#include <poll.h>
#include <signal.h>
#include <sstream>
#include <unistd.h>

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

constexpr auto period = 100ms;

bool put(const std::string& file, const std::string& text) {
  std::ofstream to(file);
  to << text << std::flush;
  return to.good();
}

// Waits until then; the kernel counts in whole milliseconds.
void wait_until(clock::time_point when) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(when - clock::now());
  if (left > 0ms) ::poll(nullptr, 0, static_cast<int>(left.count()));
}

}  // namespace

cpu_quota::cpu_quota(pid_t process, std::chrono::milliseconds per_period, quota_by how)
    : process_(process), per_period_(per_period) {
  if (how == quota_by::group_if_permitted && make_group()) return;
  leave_group();
  thread_ = std::thread([this] { take_turns(); });
}

cpu_quota::~cpu_quota() {
  is_over_ = true;
  if (thread_.joinable()) thread_.join();
  leave_group();
}

bool cpu_quota::make_group() {
  const std::string root = "/sys/fs/cgroup";
  const bool is_second = std::filesystem::exists(root + "/cgroup.controllers");
  parent_ = is_second ? root : root + "/cpu";
  std::error_code failed;
  const auto group = parent_ + "/weir-test-" + std::to_string(::getpid());
  if (!std::filesystem::create_directory(group, failed)) return false;
  group_ = group;
  const auto length = [](std::chrono::microseconds time) { return std::to_string(time.count()); };
  if (is_second) {
    put(root + "/cgroup.subtree_control", "+cpu");
    if (!put(group_ + "/cpu.max", length(per_period_) + " " + length(period))) return false;
  } else {
    if (!put(group_ + "/cpu.cfs_period_us", length(period))) return false;
    if (!put(group_ + "/cpu.cfs_quota_us", length(per_period_))) return false;
  }
  return put(group_ + "/cgroup.procs", std::to_string(process_));
}

void cpu_quota::leave_group() {
  if (group_.empty()) return;
  put(parent_ + "/cgroup.procs", std::to_string(process_));
  std::error_code is_left_behind;
  std::filesystem::remove(group_, is_left_behind);
  group_.clear();
}

void cpu_quota::take_turns() {
  auto due = clock::now();
  while (!is_over_) {
    ::kill(process_, SIGSTOP);
    wait_until(due += period - per_period_);
    ::kill(process_, SIGCONT);
    wait_until(due += per_period_);
    ++turns_;
  }
}

std::string cpu_quota::how() const {
  return group_.empty() ? "signals" : "a control group";
}

std::uint64_t cpu_quota::held_back() const {
  if (group_.empty()) return turns_;
  std::ifstream from(group_ + "/cpu.stat");
  std::string name;
  std::uint64_t number = 0;
  while (from >> name >> number) {
    if (name == "nr_throttled") return number;
  }
  return 0;
}

std::chrono::milliseconds cpu_time(pid_t process) {
  std::stringstream text;
  text << std::ifstream("/proc/" + std::to_string(process) + "/stat").rdbuf();
  std::istringstream fields(text.str().substr(text.str().rfind(')') + 1));
  std::string skipped;
  for (int i = 0; i != 11; ++i) fields >> skipped;
  std::int64_t user = 0;
  std::int64_t system = 0;
  fields >> user >> system;
  return std::chrono::milliseconds((user + system) * 1000 / ::sysconf(_SC_CLK_TCK));
}

}  // namespace weir::test
