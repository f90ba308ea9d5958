#pragma once

#include <weir/engine/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

/// A host, by name or literal address, and a port.
struct host_port {
  std::string host;  ///< without brackets; empty = every address of this machine
  std::uint16_t port = 0;

  friend bool operator==(const host_port&, const host_port&) = default;
};

/// Reads "host:port", "[::1]:port" and ":port". Fails with errc::bad_request on anything else:
/// no port, a port above 65535, a bare IPv6 address, blanks or control characters.
result<host_port> parse_host_port(std::string_view text);

/// The form that parse_host_port() reads, brackets included.
std::string to_string(const host_port& address);

}  // namespace weir
