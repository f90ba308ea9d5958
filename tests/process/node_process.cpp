#include "tests/process/node_process.hpp"

#include <arpa/inet.h>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sstream>
#include <stdexcept>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace weir::test {

std::vector<std::uint16_t> free_ports(std::size_t count) {
  std::vector<std::uint16_t> ports;
  std::vector<int> sockets;
  while (ports.size() != count) {
    sockets.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(sockets.back(), generic, size) != 0 ||
        ::getsockname(sockets.back(), generic, &size) != 0) {
      throw std::runtime_error("no free port on 127.0.0.1");
    }
    ports.push_back(ntohs(address.sin_port));
  }
  for (const int each : sockets) ::close(each);
  return ports;
}

node_process::node_process(
    std::string id, std::string config, std::uint16_t peer_port, std::uint16_t http_port
)
    : id_(std::move(id)),
      config_(std::move(config)),
      peer_port_(peer_port),
      http_port_(http_port),
      log_file_(config_ + "." + id_ + ".log") {
  start();
}

node_process::~node_process() {
  if (pid_ != 0) end_with(SIGKILL);
}

void node_process::start() {
  const std::vector<std::string> arguments{
      WEIR_PROGRAM,
      "serve",
      "-c",
      config_,
      "--set",
      "node.id=" + id_,
      "--set",
      "listen.peer.address=127.0.0.1:" + std::to_string(peer_port_),
      "--set",
      "listen.http.address=127.0.0.1:" + std::to_string(http_port_),
  };
  std::vector<char*> argv;
  for (const auto& each : arguments) argv.push_back(const_cast<char*>(each.c_str()));
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(
      &actions, 1, log_file_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600
  );
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  const int failed = ::posix_spawn(&pid_, WEIR_PROGRAM, &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) throw std::runtime_error(std::string("cannot start ") + WEIR_PROGRAM);
}

int node_process::end_with(int signal) {
  int status = 0;
  ::kill(pid_, signal);
  ::waitpid(pid_, &status, 0);
  pid_ = 0;
  return status;
}

void node_process::send(int signal) {
  ::kill(pid_, signal);
}

std::string node_process::log() const {
  std::stringstream text;
  text << std::ifstream(log_file_).rdbuf();
  return text.str();
}

scratch_folder::scratch_folder() {
  std::string path = std::filesystem::temp_directory_path() / "weir-test-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("no scratch folder");
  path_ = path;
}

scratch_folder::~scratch_folder() {
  std::filesystem::remove_all(path_);
}

std::string scratch_folder::write(const std::string& name, const std::string& text) const {
  std::ofstream(file(name)) << text;
  return file(name);
}

}  // namespace weir::test
