#include <weir/engine/errc.hpp>
#include <weir/transport/host_port.hpp>

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
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
  return authority_of(address, 0).append(address.port == 0 ? ":0" : "");
}

std::string authority_of(const host_port& address, std::uint16_t usual_port) {
  const bool literal = address.host.find(':') != std::string::npos;
  std::string text = literal ? "[" + address.host + "]" : address.host;
  if (address.port != usual_port) text.append(":").append(std::to_string(address.port));
  return text;
}

bool is_address(const std::string& host) noexcept {
  in6_addr parsed{};
  return ::inet_pton(AF_INET, host.c_str(), &parsed) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &parsed) == 1;
}

std::string_view without_root(std::string_view name) noexcept {
  if (name.size() > 1 && name.ends_with('.')) name.remove_suffix(1);
  return name;
}

bool ends_in_number(std::string_view text) noexcept {
  const auto name = without_root(text);
  const auto last = name.substr(name.rfind('.') + 1);  // npos + 1 is 0
  const auto is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
  return last.starts_with("0x") || last.starts_with("0X") ||
         (!last.empty() && std::all_of(last.begin(), last.end(), is_digit));
}

bool is_host_name(std::string_view text) noexcept {
  constexpr std::size_t longest = 253, longest_label = 63;
  auto name = without_root(text);
  if (name.empty() || name.size() > longest || ends_in_number(name)) return false;
  for (;;) {
    const auto label = name.substr(0, name.find('.'));
    const auto is_allowed = [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '-' || c == '_';
    };
    const bool is_good = !label.empty() && label.size() <= longest_label &&
                         std::all_of(label.begin(), label.end(), is_allowed);
    if (!is_good || label.front() == '-') return false;
    if (label.size() == name.size()) return true;
    name.remove_prefix(label.size() + 1);
  }
}

}  // namespace weir
