#pragma once

#include "tests/support/scratch_folder.hpp"

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace weir::test {

/// The real dnsmasq on a loopback port, ended with the object.
class dnsmasq {
 public:
  static bool is_installed();

  /// A port that was free a moment ago, for UDP and TCP.
  static std::uint16_t free_port();

  explicit dnsmasq(std::vector<std::string> more_options = {});
  ~dnsmasq();

  dnsmasq(const dnsmasq&) = delete;
  dnsmasq& operator=(const dnsmasq&) = delete;

  /// Starts it with these records (name, address), and waits until it answers.
  void start(const std::vector<std::pair<std::string, std::string>>& records);

  /// Other records from now on.
  void replace(const std::vector<std::pair<std::string, std::string>>& records);

  void kill();

  /// "127.0.0.1:PORT"
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  void write(const std::vector<std::pair<std::string, std::string>>& records) const;
  bool answers() const;

  const std::vector<std::string> more_options_;
  const scratch_folder folder_;
  const std::uint16_t port_;
  pid_t process_ = -1;
};

}  // namespace weir::test
