#include "tests/support/cluster/net_space.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>
#include <fcntl.h>
#include <sched.h>
#include <stdexcept>
#include <thread>
#include <unistd.h>

namespace weir::test {
namespace {

constexpr auto own_space = "/proc/thread-self/ns/net";

// Runs `work` on a thread of its own, which may change its namespace, and passes on what it throws.
template <typename Work>
void on_another_thread(Work work) {
  std::exception_ptr failed;
  std::thread([&] {
    try {
      work();
    } catch (...) {
      failed = std::current_exception();
    }
  }).join();
  if (failed) std::rethrow_exception(failed);
}

std::runtime_error failure(const std::string& what) {
  return std::runtime_error(what + ": " + std::strerror(errno));
}

}  // namespace

void run_commands(const std::string& commands) {
  auto* const output = ::popen(("{ " + commands + "\n} 2>&1").c_str(), "re");
  if (output == nullptr) throw failure("cannot run a shell");
  std::string text;
  std::array<char, 1024> part;
  while (const auto size = std::fread(part.data(), 1, part.size(), output)) {
    text.append(part.data(), size);
  }
  if (::pclose(output) != 0) throw std::runtime_error(commands + ": " + text);
}

net_space::net_space() {
  on_another_thread([this] {
    if (::unshare(CLONE_NEWNET) != 0) throw failure("no network namespace");
    descriptor_ = ::open(own_space, O_RDONLY | O_CLOEXEC);
    if (descriptor_ < 0) throw failure(own_space);
    run_commands("ip link set lo up");
  });
}

net_space::~net_space() {
  ::close(descriptor_);
}

std::string net_space::path() const {
  return "/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(descriptor_);
}

void net_space::run(const std::string& commands) const {
  on_another_thread([&] {
    if (::setns(descriptor_, CLONE_NEWNET) != 0) throw failure("cannot enter the namespace");
    run_commands(commands);
  });
}

std::string enter_private_network() {
  static const std::string why_not = []() -> std::string {
    if (::unshare(CLONE_NEWNET) != 0) {
      return std::string("network namespaces are not permitted: ") + std::strerror(errno);
    }
    try {
      run_commands("ip link set lo up");
      run_commands("iptables -L -n >/dev/null");
    } catch (const std::exception& failed) {
      return failed.what();
    }
    return {};
  }();
  return why_not;
}

}  // namespace weir::test
