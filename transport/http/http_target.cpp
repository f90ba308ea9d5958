#include <weir/engine/errc.hpp>
#include <weir/transport/http_target.hpp>

namespace weir {
namespace {

constexpr int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr bool is_unreserved(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_' || c == '~';
}

}  // namespace

bool decode_path_segment_into(std::string_view raw, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < raw.size();) {
    const auto escape = std::min(raw.find('%', i), raw.size());
    out.append(raw.substr(i, escape - i));
    i = escape;
    if (i == raw.size()) break;
    if (raw.size() - i < 3) return false;
    const int high = hex_value(raw[i + 1]);
    const int low = hex_value(raw[i + 2]);
    if (high < 0 || low < 0) return false;
    out.push_back(static_cast<char>(high * 16 + low));
    i += 3;
  }
  return true;
}

result<std::string> decode_path_segment(std::string_view raw) {
  std::string key;
  if (!decode_path_segment_into(raw, key)) return make_error_code(errc::bad_request);
  return key;
}

std::string encode_path_segment(std::string_view key) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  encoded.reserve(key.size() + key.size() / 4);
  for (const char c : key) {
    if (is_unreserved(c)) {
      encoded.push_back(c);
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    encoded.push_back('%');
    encoded.push_back(digits[byte >> 4]);
    encoded.push_back(digits[byte & 15]);
  }
  return encoded;
}

std::optional<std::string_view> query_parameter(
    std::string_view query, std::string_view name
) noexcept {
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto part = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (!part.starts_with(name)) continue;
    if (part.size() == name.size()) return part.substr(name.size());
    if (part[name.size()] == '=') return part.substr(name.size() + 1);
  }
  return std::nullopt;
}

}  // namespace weir
