#pragma once

#include <weir/engine/api.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir WEIR_API {

// The limits that more than one part of weir keeps: options in C++ and in YAML, the doors, and what
// nodes believe of each other. Both ends of each range are allowed. A limit of one part alone stands
// there.

/// What names of nodes, clusters and tokens are made of, as a set of a regular expression: they go
/// into logs, metrics, URLs and certificates as they are.
inline constexpr std::string_view name_characters = "A-Za-z0-9._-";

/// Bytes of such a name; it has one at least.
inline constexpr std::size_t max_name = 64;

/// The same for keyspaces, which stand in paths and subjects where case may not tell.
inline constexpr std::string_view keyspace_name_characters = "a-z0-9_-";
inline constexpr std::size_t max_keyspace_name = 64;

/// Keyspaces of one node.
inline constexpr std::size_t max_keyspaces = 1'000;

/// Bytes of a key, which has one at least, and of a value.
inline constexpr std::size_t max_key_bytes = 4'096;
inline constexpr std::uint32_t max_value_bytes = 64u << 20;

/// Keys of one batch, whatever it does with them, and of one list of what a node keeps.
inline constexpr std::size_t max_batch_keys = 1'000;
inline constexpr std::size_t max_listed_keys = 1'000;

/// The longest TTL that can be asked for.
inline constexpr std::chrono::milliseconds max_ttl = std::chrono::hours(24 * 30);

/// The part of a TTL that may be taken off at random.
inline constexpr double max_jitter = 0.9;

/// Limits that the limits on loads of a keyspace have themselves.
inline constexpr std::size_t max_concurrent_loads = 10'000;
inline constexpr std::size_t max_queued_loads = 1'000'000;
inline constexpr std::chrono::milliseconds max_load_timeout = std::chrono::minutes(10);

/// The longest silence of an owner that a read may be told to wait for.
inline constexpr std::chrono::milliseconds max_hedge_after = std::chrono::minutes(1);

/// Members of a view.
inline constexpr std::size_t max_view_members = 256;

/// The weight of a node, at least 1; 0 in a view = owns no slots at the moment.
inline constexpr std::uint32_t max_weight = 100;

/// Points on the ring per unit of weight, at least 1.
inline constexpr std::uint32_t max_vnodes = 4'096;

/// Most slots of a node in fair shares, at least 1; 0 = no bound.
inline constexpr double max_bounded_load = 10;

/// Points of a whole ring: a third of a second to compute. Weights are held to max_weight so that
/// every view has a ring, whatever its members say.
inline constexpr std::uint64_t max_ring_points = std::uint64_t{1} << 27;
static_assert(std::uint64_t{max_view_members} * max_weight * max_vnodes <= max_ring_points);

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

/// Whether `text` is 1 to max_keyspace_name of keyspace_name_characters.
constexpr bool is_keyspace_name(std::string_view text) noexcept {
  if (text.empty() || text.size() > max_keyspace_name) return false;
  for (const char c : text) {
    const bool is_letter = c >= 'a' && c <= 'z';
    const bool is_digit = c >= '0' && c <= '9';
    if (!is_letter && !is_digit && c != '_' && c != '-') return false;
  }
  return true;
}

}  // namespace weir WEIR_API
