#include "text/text.hpp"
#include "yaml/scalars.hpp"

#include <weir/config/address.hpp>
#include <weir/transport/host_port.hpp>

#include <string>

namespace weir::config {

namespace {

constexpr const char* forms = "write host:port, [::1]:port or :port";

bool is_ipv6(const std::string& host) {
  return host.find(':') != host.npos && is_address(host);
}

parsed<std::uint16_t> parse_port(std::string_view whole, std::string_view text) {
  const auto port = parse_integer(text);
  if (!port || *port > 65535) {
    return complaint{
        quoted(whole) + " has the port " + quoted(text), "a port is a number from 1 to 65535"};
  }
  return static_cast<std::uint16_t>(*port);
}

parsed<address> parse_bracketed(std::string_view text) {
  const std::size_t close = text.find(']');
  if (close == text.npos) return complaint{quoted(text) + " lacks the closing bracket", forms};
  std::string host(text.substr(1, close - 1));
  if (host.find('%') != host.npos) {
    return complaint{
        quoted(text) + " has an IPv6 zone", "zones are not supported; use another address"};
  }
  if (!is_ipv6(host)) return complaint{quoted(text) + " is not an IPv6 address", forms};
  const std::string_view rest = text.substr(close + 1);
  if (!rest.starts_with(':')) return complaint{quoted(text) + " has no port", forms};
  const auto port = parse_port(text, rest.substr(1));
  if (!port) return port.error();
  return address{std::move(host), *port};
}

}  // namespace

parsed<address> parse_address(std::string_view text) {
  if (text.starts_with('[')) return parse_bracketed(text);
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return complaint{quoted(text) + " has no port", forms};
  std::string host(text.substr(0, colon));
  if (host.find('%') != host.npos) {
    return complaint{
        quoted(text) + " has an IPv6 zone", "zones are not supported; use another address"};
  }
  if (host.find(':') != host.npos) {
    return complaint{
        quoted(text) + " has more than one colon",
        text.find("://") != text.npos ? "write host:port without a scheme"
                                      : "put an IPv6 address in brackets: [::1]:7420"};
  }
  const auto port = parse_port(text, text.substr(colon + 1));
  if (!port) return port.error();
  if (!host.empty() && !is_address(host) && !is_host_name(host)) {
    return complaint{quoted(text) + " has no valid host", forms};
  }
  return address{std::move(host), *port};
}

std::optional<std::string> address_problem(std::string_view text) {
  const auto read = parse_address(text);
  if (read) return std::nullopt;
  return read.error().text + "; " + read.error().hint;
}

std::string to_string(const address& value) {
  const bool brackets = value.host.find(':') != value.host.npos;
  const std::string host = brackets ? "[" + value.host + "]" : value.host;
  return host + ":" + std::to_string(value.port);
}

bool is_loopback(const address& value) {
  return value.host == "localhost" || value.host == "::1" ||
         (value.host.starts_with("127.") && is_address(value.host));
}

}  // namespace weir::config
