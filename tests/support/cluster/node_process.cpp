#include "tests/support/cluster/node_process.hpp"

#include <fcntl.h>
#include <fstream>
#include <sched.h>
#include <signal.h>
#include <sstream>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace weir::test {

node_process::node_process(
    std::string id, std::string config, std::uint16_t peer_port, std::uint16_t http_port
)
    : launch_{
          .id = id,
          .arguments =
              {"-c",
               config,
               "--set",
               "node.id=" + id,
               "--set",
               "listen.peer.address=127.0.0.1:" + std::to_string(peer_port),
               "--set",
               "listen.http.address=127.0.0.1:" + std::to_string(http_port)},
          .log_file = config + "." + id + ".log"},
      http_port_(http_port) {
  start();
}

node_process::node_process(node_launch launch) : launch_(std::move(launch)) {
  start();
}

node_process::~node_process() {
  if (pid_ != 0) end_with(SIGKILL);
}

void node_process::start() {
  std::vector<std::string> arguments{WEIR_PROGRAM, "serve"};
  arguments.insert(arguments.end(), launch_.arguments.begin(), launch_.arguments.end());
  auto variables = launch_.environment;
  for (auto** each = environ; *each != nullptr; ++each) variables.emplace_back(*each);
  const auto pointers = [](std::vector<std::string>& texts) {
    std::vector<char*> out;
    for (auto& each : texts) out.push_back(each.data());
    out.push_back(nullptr);
    return out;
  };
  const auto argv = pointers(arguments);
  const auto envp = pointers(variables);
  const auto* const log = launch_.log_file.c_str();
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error(std::string("cannot start ") + WEIR_PROGRAM);
  if (pid_ > 0) return;
  // Between fork and exec only what is safe in a signal handler.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int out = ::open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(out, 1);
  ::dup2(out, 2);
  if (launch_.net_space < 0 || ::setns(launch_.net_space, CLONE_NEWNET) == 0) {
    ::execve(argv[0], argv.data(), envp.data());
  }
  ::_exit(127);
}

int node_process::end_with(int signal) {
  int status = 0;
  ::kill(pid_, signal);
  ::waitpid(pid_, &status, 0);
  pid_ = 0;
  return status;
}

void node_process::freeze() {
  ::kill(pid_, SIGSTOP);
  siginfo_t stopped{};
  ::waitid(P_PID, static_cast<id_t>(pid_), &stopped, WSTOPPED | WEXITED | WNOWAIT);
}

void node_process::send(int signal) {
  ::kill(pid_, signal);
}

std::string node_process::log() const {
  std::stringstream text;
  text << std::ifstream(launch_.log_file).rdbuf();
  return text.str();
}

}  // namespace weir::test
