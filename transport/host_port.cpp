#include <weir/engine/errc.hpp>
#include <weir/transport/host_port.hpp>

#include <charconv>

namespace weir {

result<host_port> parse_host_port(std::string_view text) {
  const error_code bad = make_error_code(errc::bad_request);
  for (const char c : text) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '/' || c == '@') return bad;
  }
  std::string_view host;
  std::string_view rest;
  if (text.starts_with('[')) {
    const auto close = text.find(']');
    if (close == std::string_view::npos || close == 1) return bad;
    host = text.substr(1, close - 1);
    rest = text.substr(close + 1);
    if (!rest.starts_with(':')) return bad;
  } else {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos) return bad;
    host = text.substr(0, colon);
    rest = text.substr(colon);
  }
  const auto digits = rest.substr(1);
  std::uint16_t port = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || failure != std::errc() || end != digits.data() + digits.size()) return bad;
  return host_port{std::string(host), port};
}

std::string to_string(const host_port& address) {
  const bool literal = address.host.find(':') != std::string::npos;
  std::string text = literal ? "[" + address.host + "]" : address.host;
  return text.append(":").append(std::to_string(address.port));
}

}  // namespace weir
