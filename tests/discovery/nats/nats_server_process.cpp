#include "tests/discovery/nats/nats_server_process.hpp"

#include "tests/support/free_port.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <chrono>
#include <csignal>
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

nats_server_process::nats_server_process(std::string settings)
    : settings_(std::move(settings)), port_(free_port()) {}

nats_server_process::~nats_server_process() {
  kill();
}

void nats_server_process::start() {
  const auto file = folder_.write(
      "nats.conf",
      "listen: \"" + address() + "\"\nlog_file: \"" + folder_.file("log") + "\"\n" + settings_ +
          '\n'
  );
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
