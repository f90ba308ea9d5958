#include "tests/discovery/nats_server_process.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <poll.h>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace weir::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::array programs{"/usr/sbin/nats-server", "/usr/bin/nats-server"};

const char* program() {
  for (const auto* each : programs) {
    if (::access(each, X_OK) == 0) return each;
  }
  return nullptr;
}

}  // namespace

bool nats_server_process::is_installed() {
  return program() != nullptr;
}

std::uint16_t nats_server_process::free_port() {
  asio::io_context idle;
  const tcp::acceptor free(idle, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  return free.local_endpoint().port();
}

nats_server_process::nats_server_process(std::string settings)
    : settings_(std::move(settings)), port_(free_port()) {
  std::string name = std::filesystem::temp_directory_path() / "weir-nats-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no folder for nats-server");
  folder_ = name;
}

nats_server_process::~nats_server_process() {
  kill();
  std::filesystem::remove_all(folder_);
}

void nats_server_process::start() {
  const auto file = (folder_ / "nats.conf").string();
  const auto log = (folder_ / "log").string();
  std::ofstream(file) << "listen: \"" << address() << "\"\nlog_file: \"" << log << "\"\n"
                      << settings_ << '\n';
  const auto* path = program();
  process_ = ::fork();
  if (process_ == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::execl(path, path, "-c", file.c_str(), nullptr);
    ::_exit(127);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!accepts()) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("nats-server does not start");
    }
    ::poll(nullptr, 0, 10);
  }
}

void nats_server_process::kill() {
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = -1;
}

bool nats_server_process::accepts() const {
  asio::io_context idle;
  tcp::socket socket(idle);
  boost::system::error_code failed;
  socket.connect({asio::ip::address_v4::loopback(), port_}, failed);
  return !failed;
}

}  // namespace weir::test
