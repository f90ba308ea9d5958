#include "program/service_manager.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace weir {
namespace {

std::optional<std::uint64_t> number_in(const std::optional<std::string>& text) {
  std::uint64_t out = 0;
  if (!text || text->empty()) return std::nullopt;
  const auto* end = text->data() + text->size();
  const auto [at, failed] = std::from_chars(text->data(), end, out);
  if (failed != std::errc() || at != end) return std::nullopt;
  return out;
}

/// CLOCK_MONOTONIC, by which systemd orders a reload and what was sent before it.
std::string monotonic_microseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  const auto total = static_cast<std::uint64_t>(now.tv_sec) * 1'000'000 +
                     static_cast<std::uint64_t>(now.tv_nsec) / 1'000;
  return std::to_string(total);
}

}  // namespace

service_manager::service_manager(const variable& of_environment) {
  auto address = of_environment("NOTIFY_SOCKET").value_or("");
  const bool is_path = address.starts_with('/') || address.starts_with('@');
  if (!is_path || address.size() >= sizeof(sockaddr_un::sun_path)) return;
  if (address.front() == '@') address.front() = '\0';
  address_ = std::move(address);
  socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket_ < 0) return;
  const auto watched = number_in(of_environment("WATCHDOG_PID"));
  if (watched && *watched != static_cast<std::uint64_t>(::getpid())) return;
  if (const auto every = number_in(of_environment("WATCHDOG_USEC")); every && *every > 0) {
    watchdog_ = std::chrono::microseconds(*every);
  }
}

service_manager::~service_manager() {
  if (socket_ >= 0) ::close(socket_);
}

void service_manager::ready(std::string_view status) {
  send("READY=1", status);
}

void service_manager::reloading() {
  send("RELOADING=1\nMONOTONIC_USEC=" + monotonic_microseconds(), {});
}

void service_manager::stopping(std::string_view status) {
  send("STOPPING=1", status);
}

void service_manager::alive(std::string_view status) {
  send(watchdog_ ? "WATCHDOG=1" : "", status);
}

void service_manager::send(std::string_view what, std::string_view status) {
  if (!is_there()) return;
  std::string text(what);
  if (!status.empty()) text.append(text.empty() ? "STATUS=" : "\nSTATUS=").append(status);
  sockaddr_un to{};
  to.sun_family = AF_UNIX;
  std::memcpy(to.sun_path, address_.data(), address_.size());
  // A path ends with a NUL, an abstract name is as long as it is.
  const auto length = offsetof(sockaddr_un, sun_path) + address_.size() + (address_[0] != '\0');
  ::sendto(
      socket_,
      text.data(),
      text.size(),
      MSG_NOSIGNAL,
      reinterpret_cast<sockaddr*>(&to),
      static_cast<socklen_t>(length)
  );
}

}  // namespace weir
