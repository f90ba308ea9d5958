#pragma once

#include <arpa/inet.h>
#include <cstddef>
#include <cstdint>
#include <netinet/in.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace weir::test {

/// So many TCP ports of 127.0.0.1 that nobody listened on a moment ago.
inline std::vector<std::uint16_t> free_ports(std::size_t count) {
  std::vector<std::uint16_t> ports;
  std::vector<int> sockets;
  while (ports.size() != count) {
    sockets.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* const generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(sockets.back(), generic, size) != 0 ||
        ::getsockname(sockets.back(), generic, &size) != 0) {
      throw std::runtime_error("no free port on 127.0.0.1");
    }
    ports.push_back(ntohs(address.sin_port));
  }
  for (const int each : sockets) ::close(each);
  return ports;
}

inline std::uint16_t free_port() {
  return free_ports(1).front();
}

}  // namespace weir::test
