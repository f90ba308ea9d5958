#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir::config {

class reporter;

/// A place in one of the sources of a reporter. Line 0 = the source as a whole.
struct origin {
  std::uint32_t source = 0;
  std::uint32_t line = 0;    ///< 1-based
  std::uint32_t column = 0;  ///< 1-based, in bytes
  std::uint32_t width = 1;   ///< characters to underline
};

struct member;

/// A parsed YAML value that knows where it stands. `refused` marks one that was already reported.
struct node {
  enum class shape : std::uint8_t { null, scalar, list, map, refused };

  shape form = shape::null;
  origin at;
  std::string text;     ///< of a scalar, variables replaced
  std::string written;  ///< of a scalar in which a variable was replaced: before that
  bool quoted = false;
  /// The text came from a variable or an option, so that quotes say nothing about its type.
  bool loose = false;
  std::vector<node> items;
  std::vector<member> members;

  const member* find(std::string_view key) const;
  member* find(std::string_view key);
};

struct member {
  std::string key;
  origin at;
  node value;
};

/// "text", "a list", "a map", "nothing": for messages.
std::string_view describe(const node& value);

/// Largest depth and number of values of one document.
inline constexpr std::size_t max_depth = 32;
inline constexpr std::size_t max_nodes = 100'000;
inline constexpr std::size_t max_file_bytes = std::size_t{1} << 20;

/// Parses source `source` of `problems` and reports what is not strict YAML: duplicate keys,
/// anchors, aliases, tags, `<<`, a second document, nulls. Returns what could be read; a syntax
/// error leaves the part before it as a `refused` root.
node parse_document(std::uint32_t source, reporter& problems);

}  // namespace weir::config
