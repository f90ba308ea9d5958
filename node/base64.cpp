#include "base64.hpp"

#include <algorithm>
#include <cstdint>

namespace weir {
namespace {

constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string encode_base64(std::string_view data) {
  std::string out;
  for (std::size_t i = 0; i < data.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t j = i; j != i + 3; ++j) {
      bits = bits << 8 | (j < data.size() ? static_cast<unsigned char>(data[j]) : 0u);
    }
    for (int shift = 18; shift >= 0; shift -= 6) out += digits[bits >> shift & 63];
  }
  const auto padding = static_cast<std::ptrdiff_t>((3 - data.size() % 3) % 3);
  std::fill(out.end() - padding, out.end(), '=');
  return out;
}

std::string decode_base64_text(std::string_view text) {
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  while (text.ends_with('=')) text.remove_suffix(1);
  for (const char each : text) {
    const auto digit = digits.find(each);
    if (digit == std::string_view::npos) return {};
    bits = bits << 6 | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xff);
  }
  return out;
}

}  // namespace weir
