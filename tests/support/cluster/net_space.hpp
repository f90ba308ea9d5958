#pragma once

#include <string>

namespace weir::test {

/// A network namespace without a name: it goes when this object and the last process in it are
/// gone, however they end.
class net_space {
 public:
  /// Makes a new one with loopback up. Throws std::runtime_error where that is not permitted.
  net_space();
  ~net_space();

  net_space(const net_space&) = delete;
  net_space& operator=(const net_space&) = delete;

  int descriptor() const noexcept { return descriptor_; }

  /// How `ip link set ... netns` and nsenter can name it while this process lives.
  std::string path() const;

  /// Runs shell commands in it; throws std::runtime_error with what they printed if they fail.
  void run(const std::string& commands) const;

 private:
  int descriptor_ = -1;
};

/// Runs shell commands in the namespace of this thread; throws as above.
void run_commands(const std::string& commands);

/// Moves this thread, and those it starts later, into a network namespace of its own, once per
/// process. Returns why that is not possible here, or nothing.
std::string enter_private_network();

}  // namespace weir::test
