#pragma once

#include <weir/engine/api.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir WEIR_API {

/// What names of nodes, clusters and tokens are made of, as a set of a regular expression: they go
/// into logs, metrics, URLs and certificates as they are.
inline constexpr std::string_view name_characters = "A-Za-z0-9._-";

/// Bytes of such a name; it has one at least.
inline constexpr std::size_t max_name = 64;

/// The highest weight that a node may have in its options. Peers are believed up to
/// max_member_weight.
inline constexpr std::uint32_t max_node_weight = 100;

/// Whether `text` is 1 to max_name of name_characters.
constexpr bool is_name(std::string_view text) noexcept {
  if (text.empty() || text.size() > max_name) return false;
  for (const char c : text) {
    const bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_letter && !is_digit && c != '.' && c != '_' && c != '-') return false;
  }
  return true;
}

}  // namespace weir
