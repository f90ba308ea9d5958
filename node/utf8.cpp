#include "utf8.hpp"

#include <weir/transport/text.hpp>

namespace weir {

std::size_t utf8_sequence(std::string_view text) noexcept {
  if (text.empty()) return 0;
  const bool is_c1 =
      text.size() > 1 && text[0] == '\xc2' && static_cast<unsigned char>(text[1]) < 0xa0;
  return is_c1 ? 0 : utf8_length(text);
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
  std::string out;
  while (!text.empty()) {
    const auto length = utf8_sequence(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (length > 1 || (length == 1 && byte >= ' ' && byte != 0x7f)) {
      out += text.substr(0, length);
      text.remove_prefix(length);
      continue;
    }
    out += "\\x";
    append_hex(out, byte);
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
