#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/result.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace weir WEIR_API {

/// A host, by name or literal address, and a port.
struct host_port {
  std::string host;  ///< without brackets; empty = every address of this machine
  std::uint16_t port = 0;

  friend bool operator==(const host_port&, const host_port&) = default;
};

/// Reads "host:port", "[::1]:port" and ":port". Fails with errc::bad_request on anything else:
/// no port, a port above 65535, a bare IPv6 address, blanks or control characters.
[[nodiscard]] result<host_port> parse_host_port(std::string_view text);

/// The form that parse_host_port() reads, brackets included.
std::string to_string(const host_port& address);

/// As an authority in a URL or a Host field (RFC 3986, 3.2.2): brackets around an IPv6 address, and
/// no port when it is the usual one.
std::string authority_of(const host_port& address, std::uint16_t usual_port);

/// Whether `host` is an IPv4 or IPv6 address, without brackets and zone.
bool is_address(const std::string& host) noexcept;

/// Whether `text` can be the name of a host: letters, digits, '-', '_' and single dots. A dot at the
/// end makes it absolute: it is looked up as it stands, in no search domain. Not a name is what some
/// would take for an IPv4 address: a last label of digits, or one that begins with 0x.
bool is_host_name(std::string_view text) noexcept;

/// Whether the last label of `text` says that it is meant as an IPv4 address: digits, or 0x...
bool ends_in_number(std::string_view text) noexcept;

/// The name without the dot that makes it absolute: what certificates and the hosts file have.
std::string_view without_root(std::string_view name) noexcept;

}  // namespace weir
