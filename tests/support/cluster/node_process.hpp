#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace weir::test {

/// How to start a node.
struct node_launch {
  std::string id;
  std::vector<std::string> arguments;         ///< after `weir serve`
  std::vector<std::string> environment = {};  ///< "NAME=value", beside the test's own
  int net_space = -1;  ///< descriptor of a network namespace; -1 = the test's
  std::string log_file;
};

/// One real `weir serve`, killed with the object and with the thread that started it.
/// Its log goes to a file of the test's folder.
class node_process {
 public:
  /// A node on loopback with these ports; `config` is a file.
  node_process(
      std::string id, std::string config, std::uint16_t peer_port, std::uint16_t http_port
  );

  explicit node_process(node_launch launch);
  ~node_process();

  node_process(const node_process&) = delete;
  node_process& operator=(const node_process&) = delete;

  /// Starts it, or starts it again after an end. On the test's main thread.
  void start();

  /// Sends a signal and waits for the end; returns the exit status as from waitpid().
  int end_with(int signal);

  /// Stops it until SIGCONT; returns once all its threads stand still.
  void freeze();

  /// Sends a signal and does not wait.
  void send(int signal);

  const std::string& id() const { return launch_.id; }

  std::uint16_t http_port() const { return http_port_; }

  pid_t pid() const { return pid_; }

  std::string log() const;

 private:
  const node_launch launch_;
  const std::uint16_t http_port_ = 0;
  pid_t pid_ = 0;
};

}  // namespace weir::test
