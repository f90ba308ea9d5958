#pragma once

#include "tests/support/scratch_folder.hpp"

#include <cstdint>
#include <string>
#include <sys/types.h>

namespace weir::test {

/// The real nats-server on a loopback port, ended with the object.
class nats_server_process {
 public:
  static bool is_installed();

  /// `settings` are lines of its configuration file beside the address.
  explicit nats_server_process(std::string settings = {});
  ~nats_server_process();

  nats_server_process(const nats_server_process&) = delete;
  nats_server_process& operator=(const nats_server_process&) = delete;

  /// Starts it, or again after kill(), on the same port, and waits until it accepts connections.
  void start();

  void kill();

  /// "127.0.0.1:PORT"
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

  std::string url() const { return "nats://" + address(); }

 private:
  bool accepts() const;

  const std::string settings_;
  const std::uint16_t port_;
  const scratch_folder folder_;
  pid_t process_ = -1;
};

}  // namespace weir::test
