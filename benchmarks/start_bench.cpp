// From exec of `weir serve` to the first read served, and what the idle node takes of memory.
//
//   start_bench WEIR_PROGRAM [--json]

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

extern char** environ;

namespace {

using clock_type = std::chrono::steady_clock;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

std::uint16_t free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  auto address = loopback(0);
  socklen_t size = sizeof address;
  ::bind(socket, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
  ::close(socket);
  return ntohs(address.sin_port);
}

bool reads(std::uint16_t port) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  const auto address = loopback(port);
  bool is_served = false;
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    const char request[] =
        "GET /v1/files/hello HTTP/1.1\r\nHost: bench\r\nConnection: close\r\n\r\n";
    char answer[16] = {};
    if (::write(socket, request, sizeof request - 1) > 0 &&
        ::read(socket, answer, sizeof answer) == sizeof answer) {
      is_served = std::memcmp(answer, "HTTP/1.1 200", 12) == 0;
    }
  }
  ::close(socket);
  return is_served;
}

double resident_mib(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmRSS:")) return std::atof(line.c_str() + 6) / 1024;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: start_bench WEIR_PROGRAM [--json]\n");
    return 2;
  }
  std::string folder = std::filesystem::temp_directory_path() / "weir-start-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr) return 1;
  std::ofstream(folder + "/hello") << "hello";
  std::ofstream(folder + "/weir.yaml")
      << "keyspaces: [{name: files, source: {type: file, root: " << folder << "}}]\n";

  std::vector<double> times, sizes;
  for (int round = 0; round != 7; ++round) {
    const auto port = free_port();
    const std::string config = folder + "/weir.yaml",
                      listen = "listen.http.address=127.0.0.1:" + std::to_string(port);
    const char* arguments[] = {
        argv[1], "serve", "-c", config.c_str(), "--set", listen.c_str(), nullptr};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    pid_t pid = 0;
    const auto began = clock_type::now();
    if (::posix_spawn(&pid, argv[1], &actions, nullptr, const_cast<char**>(arguments), environ) !=
        0)
      return 1;
    while (!reads(port)) {
      if (clock_type::now() - began > std::chrono::seconds(10)) {
        std::fprintf(stderr, "start_bench: %s served nothing within 10 s\n", argv[1]);
        ::kill(pid, SIGKILL);
        return 1;
      }
      ::usleep(500);
    }
    times.push_back(std::chrono::duration<double, std::milli>(clock_type::now() - began).count());
    sizes.push_back(resident_mib(pid));
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    posix_spawn_file_actions_destroy(&actions);
  }
  std::filesystem::remove_all(folder);
  std::sort(times.begin(), times.end());
  std::sort(sizes.begin(), sizes.end());
  if (argc > 2 && !std::strcmp(argv[2], "--json")) {
    std::printf(
        "[{\"exec_to_first_read_ms\": %.1f, \"max_ms\": %.1f, \"resident_mib\": %.1f}]\n",
        times[3],
        times[6],
        sizes[3]
    );
  } else {
    std::printf(
        "exec to first read served: %.1f ms (median of 7, most %.1f ms)\nidle resident size: %.1f "
        "MiB\n",
        times[3],
        times[6],
        sizes[3]
    );
  }
}
