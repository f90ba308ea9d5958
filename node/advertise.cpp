#include "advertise.hpp"

#include <weir/transport/host_port.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include <unistd.h>

namespace weir {
namespace {

using asio::ip::udp;

const char* const somewhere =
    "192.0.2.1";  // for documentation only: the way out, by any default route

std::string local_address_towards(const std::string& host, std::uint16_t port) {
  error_code failed;
  const auto remote = asio::ip::make_address(host, failed);
  if (failed) return {};
  asio::io_context idle;
  udp::socket socket(idle);
  const udp::endpoint target(remote, port);
  socket.open(target.protocol(), failed);
  if (!failed) socket.connect(target, failed);
  if (failed) return {};
  const auto local = socket.local_endpoint(failed);
  return failed ? std::string() : local.address().to_string();
}

bool is_every_interface(const std::string& host) {
  return host.empty() || host == "0.0.0.0" || host == "::";
}

}  // namespace

std::string advertised_address(
    std::string_view listening, const std::vector<candidate>& candidates
) {
  auto own = parse_host_port(listening);
  if (!own || !is_every_interface(own->host)) return std::string(listening);
  own->host.clear();
  for (const auto& each : candidates) {
    const auto other = parse_host_port(each.address);
    if (other) own->host = local_address_towards(other->host, other->port);
    if (!own->host.empty()) break;
  }
  if (own->host.empty()) own->host = local_address_towards(somewhere, own->port);
  if (own->host.empty()) own->host = "127.0.0.1";
  return to_string(*own);
}

std::string host_name() {
  char name[256] = {};
  if (::gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
  return name;
}

}  // namespace weir
