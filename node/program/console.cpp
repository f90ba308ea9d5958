#include "program/console.hpp"

namespace weir {

std::string tinted(const console& on, tint how, std::string_view text) {
  if (on.color == color_use::plain) return std::string(text);
  constexpr std::string_view codes[] = {"32", "31", "1"};
  std::string out = "\x1b[";
  out.append(codes[static_cast<int>(how)]).append("m").append(text).append("\x1b[0m");
  return out;
}

}  // namespace weir
