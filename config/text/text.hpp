#pragma once

#include <weir/config/closest.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace weir::config {

/// Where the key goes, in the templates of sources.
inline constexpr std::string_view placeholder = "{key}";

/// Offset of the first byte that is not valid UTF-8 (over-long forms, surrogates and code points
/// above U+10FFFF included); nullopt when all of it is.
std::optional<std::size_t> find_invalid_utf8(std::string_view text);

/// Number of characters (code points) of valid UTF-8.
std::size_t count_characters(std::string_view text);

/// `offset`, moved back to the first byte of the character it is in.
std::size_t start_of_character(std::string_view text, std::size_t offset);

/// Whether `c` is a control character: below U+0020, or U+007F.
bool is_control(char c);

/// `text` for a terminal: each control character replaced by one `?`, tabs by a space, so that
/// columns stay where they are.
std::string printable(std::string_view text);

/// `text` with A-Z as a-z.
std::string lower(std::string_view text);

}  // namespace weir::config
