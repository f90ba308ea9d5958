#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <string_view>

namespace weir {

enum class color_use { plain, colored };

/// Where a command reads and writes. Streams are passed in, so that commands are tested over
/// strings.
struct console {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  color_use color = color_use::plain;
  std::size_t columns = 0;  ///< of the terminal that `out` is; 0 = it is none
};

enum class tint { good, bad, strong };

/// `text` in a colour, if the console has colours.
std::string tinted(const console& on, tint how, std::string_view text);

}  // namespace weir
