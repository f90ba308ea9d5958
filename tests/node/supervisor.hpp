#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace weir::test {

/// What systemd is to a service of Type=notify: a socket that datagrams come to.
class supervisor {
 public:
  /// `address` is a path, or a name of the abstract namespace that begins with '@'.
  explicit supervisor(std::string_view address) {
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::memcpy(at.sun_path, address.data(), address.size());
    if (at.sun_path[0] == '@') at.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&at), length) != 0) {
      throw std::runtime_error("cannot bind " + std::string(address));
    }
  }

  ~supervisor() { ::close(socket_); }

  supervisor(const supervisor&) = delete;
  supervisor& operator=(const supervisor&) = delete;

  /// The next datagram; "nothing" when none comes in time.
  std::string next(std::chrono::milliseconds longest = {}) const {
    pollfd watched{socket_, POLLIN, 0};
    if (::poll(&watched, 1, static_cast<int>(longest.count())) != 1) return "nothing";
    std::array<char, 4096> text;
    const auto size = ::recv(socket_, text.data(), text.size(), MSG_DONTWAIT);
    return size < 0 ? "nothing" : std::string(text.data(), static_cast<std::size_t>(size));
  }

  /// The next datagram that begins with `what`; the others are passed over.
  std::string next(std::string_view what, std::chrono::milliseconds longest) const {
    auto got = next(longest);
    while (got != "nothing" && !got.starts_with(what)) got = next(longest);
    return got;
  }

 private:
  const int socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

}  // namespace weir::test
