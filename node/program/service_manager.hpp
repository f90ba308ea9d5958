#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// Tells systemd, or another supervisor with its protocol, what state this program is in: one
/// datagram each, as sd_notify(3) describes. Without NOTIFY_SOCKET in the environment every call
/// does nothing.
///
/// A datagram that cannot be sent at once is dropped: the node does not wait for its supervisor.
/// Thread-safe.
class service_manager {
 public:
  using variable = std::function<std::optional<std::string>(std::string_view)>;

  /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
  explicit service_manager(const variable& of_environment);
  ~service_manager();

  service_manager(const service_manager&) = delete;
  service_manager& operator=(const service_manager&) = delete;

  bool is_there() const noexcept { return socket_ >= 0; }

  /// How often `alive()` must be called at least; empty when no watchdog watches
  /// this process.
  std::optional<std::chrono::microseconds> watchdog() const noexcept { return watchdog_; }

  void ready(std::string_view status);
  void reloading();
  void stopping(std::string_view status);
  void alive(std::string_view status);

 private:
  void send(std::string_view what, std::string_view status);

  int socket_ = -1;
  std::string address_;  // as in sockaddr_un, "@" replaced
  std::optional<std::chrono::microseconds> watchdog_;
};

}  // namespace weir
