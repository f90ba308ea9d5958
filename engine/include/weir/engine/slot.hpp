#pragma once

#include <weir/engine/api.hpp>

#include <cstdint>
#include <string_view>

namespace weir WEIR_API {

/// Number of slots that keys fall into; the same as in Redis Cluster. Slots are 0..slot_count-1.
inline constexpr std::uint16_t slot_count = 16384;

/// CRC-16/XMODEM of `text`, as Redis Cluster uses it, continuing from `crc` (0 = start).
///
/// crc16(b, crc16(a)) is crc16 of a followed by b. About 0.4 ns per byte.
std::uint16_t crc16(std::string_view text, std::uint16_t crc = 0) noexcept;

/// The slot of a whole text by the Redis Cluster rule: crc16 mod slot_count of the text, or, when a
/// `{` is followed by a `}` with something in between, only of what stands between the first `{`
/// and the first `}` after it.
std::uint16_t slot_of(std::string_view full) noexcept;

/// slot_of("<keyspace>:<key>"), without building that text; allocates nothing.
///
/// Keys with the same `{tag}` share a slot across keyspaces: `users:{42}:a` and `orders:{42}:b`.
std::uint16_t slot_of(std::string_view keyspace, std::string_view key) noexcept;

}  // namespace weir
