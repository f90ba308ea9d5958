#include "tests/discovery/dns/dnsmasq.hpp"

#include "tests/discovery/dns/dns_wire.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include <chrono>
#include <csignal>
#include <poll.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace weir::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;

const char* const program = "/usr/sbin/dnsmasq";

}  // namespace

bool dnsmasq::is_installed() {
  return ::access(program, X_OK) == 0;
}

std::uint16_t dnsmasq::free_port() {
  asio::io_context idle;
  while (true) {
    udp::socket first(idle, udp::endpoint(asio::ip::address_v4::loopback(), 0));
    const auto port = first.local_endpoint().port();
    tcp::socket second(idle, tcp::v4());
    boost::system::error_code taken;
    second.bind({asio::ip::address_v4::loopback(), port}, taken);
    if (!taken) return port;
  }
}

dnsmasq::dnsmasq(std::vector<std::string> more_options)
    : more_options_(std::move(more_options)), port_(free_port()) {}

dnsmasq::~dnsmasq() {
  kill();
}

void dnsmasq::write(const std::vector<std::pair<std::string, std::string>>& records) const {
  std::string lines;
  for (const auto& [name, address] : records) lines += address + ' ' + name + '\n';
  folder_.write("hosts", lines);
}

void dnsmasq::start(const std::vector<std::pair<std::string, std::string>>& records) {
  write(records);
  std::vector<std::string> words{
      program,
      "--keep-in-foreground",
      "--conf-file=/dev/null",
      "--pid-file=",
      "--user=",
      "--no-resolv",
      "--no-hosts",
      "--bind-interfaces",
      "--listen-address=127.0.0.1",
      "--local=/test/",
      "--local-ttl=1",
      "--log-facility=" + folder_.file("log"),
      "--port=" + std::to_string(port_),
      "--addn-hosts=" + folder_.file("hosts"),
  };
  words.insert(words.end(), more_options_.begin(), more_options_.end());
  std::vector<char*> arguments;
  for (auto& each : words) arguments.push_back(each.data());
  arguments.push_back(nullptr);
  process_ = ::fork();
  if (process_ == 0) {
    ::execv(program, arguments.data());
    ::_exit(127);
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!answers()) {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("dnsmasq is silent");
  }
}

void dnsmasq::replace(const std::vector<std::pair<std::string, std::string>>& records) {
  write(records);
  ::kill(process_, SIGHUP);
}

void dnsmasq::kill() {
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
  process_ = -1;
}

/// Asks once and waits 50 ms, also when nobody listens yet.
bool dnsmasq::answers() const {
  asio::io_context idle;
  udp::socket socket(idle, udp::v4());
  boost::system::error_code ignored;
  const auto question = dns_wire(1, "peers.test", 1, 0x0100).text();
  socket.send_to(
      asio::buffer(question), udp::endpoint(asio::ip::address_v4::loopback(), port_), 0, ignored
  );
  ::pollfd ready{.fd = socket.native_handle(), .events = POLLIN};
  return ::poll(&ready, 1, 50) == 1;
}

}  // namespace weir::test
