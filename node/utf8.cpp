#include "utf8.hpp"

#include <cstdint>

namespace weir {

std::size_t utf8_sequence(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  if (text.empty()) return 0;
  if (at(0) < 0x80) return 1;
  const std::size_t length = at(0) >= 0xf0 ? 4 : at(0) >= 0xe0 ? 3 : 2;
  if (at(0) < 0xc2 || at(0) > 0xf4 || text.size() < length) return 0;
  std::uint32_t code = at(0) & (0x7fu >> length);
  for (std::size_t i = 1; i != length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
    code = code << 6 | (at(i) & 0x3fu);
  }
  constexpr std::uint32_t smallest[] = {0, 0, 0xa0, 0x800, 0x10000};
  const bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
  return code < smallest[length] || code > 0x10ffff || is_surrogate ? 0 : length;
}

bool is_utf8_text(std::string_view text) noexcept {
  while (!text.empty()) {
    const auto length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string printable(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  while (!text.empty()) {
    const auto length = utf8_sequence(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (length > 1 || (length == 1 && byte >= ' ' && byte != 0x7f)) {
      out += text.substr(0, length);
      text.remove_prefix(length);
      continue;
    }
    out += {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
    text.remove_prefix(1);
  }
  return out;
}

std::size_t columns(std::string_view text) noexcept {
  std::size_t count = 0;
  for (const char each : text) count += (each & 0xc0) != 0x80;
  return count;
}

}  // namespace weir
