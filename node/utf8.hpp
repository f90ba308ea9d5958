#pragma once

#include <weir/engine/api.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace weir WEIR_API {  // for the commands, too

/// Length of the well-formed UTF-8 sequence that `text` begins with, 0 when it begins with none.
/// C1 control characters (U+0080 to U+009F) count as none: terminals obey them.
std::size_t utf8_sequence(std::string_view text) noexcept;

/// Whether all of `text` is such sequences.
bool is_utf8_text(std::string_view text) noexcept;

/// `text` for a terminal: control characters and bytes that are not UTF-8 as \xNN.
std::string printable(std::string_view text);

/// How many columns well-formed UTF-8 takes, one per character.
std::size_t columns(std::string_view text) noexcept;

}  // namespace weir
