#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace weir::config {

/// What a text that is no YAML most likely lacks, found without a parser.
struct slip {
  std::size_t offset = 0;  ///< of the place to point at, in bytes
  std::size_t width = 1;   ///< characters to underline
  std::string text;
  std::string hint;
};

/// An unquoted `{key}` between brackets, or the bracket that is never closed.
std::optional<slip> find_bracket_slip(std::string_view text);

/// A line without a colon, or without a space after it: `line` (from 1), where the parser gave up,
/// or the one before it.
std::optional<slip> find_colon_slip(std::string_view text, std::size_t line);

}  // namespace weir::config
