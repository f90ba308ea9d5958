#include <weir/engine/entry.hpp>

#include <charconv>

namespace weir {

std::string to_string(version v) {
  char text[34];
  auto end = std::to_chars(text, text + 16, v.epoch, 16).ptr;
  *end++ = '-';
  end = std::to_chars(end, text + sizeof text, v.seq, 16).ptr;
  return {text, end};
}

std::optional<version> parse_version(std::string_view text) noexcept {
  version v;
  const auto dash = text.find('-');
  if (dash == std::string_view::npos || dash == 0 || dash > 16 || text.size() - dash - 1 > 16)
    return std::nullopt;
  const auto number = [](std::string_view digits, std::uint64_t& out) {
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), out, 16);
    return error == std::errc() && end == digits.data() + digits.size();
  };
  if (!number(text.substr(0, dash), v.epoch) || !number(text.substr(dash + 1), v.seq))
    return std::nullopt;
  return v;
}

}  // namespace weir
