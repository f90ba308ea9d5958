#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

/// Adds a field to the text that a digest is made of. Every field is framed, so that different
/// lists of fields give different texts: a number takes 8 bytes, low byte first.
inline void append(std::string& to, std::uint64_t number) {
  for (int shift = 0; shift < 64; shift += 8) to.push_back(static_cast<char>(number >> shift));
}

/// The same for a text, which follows its length.
inline void append(std::string& to, std::string_view text) {
  append(to, text.size());
  to += text;
}

}  // namespace weir
