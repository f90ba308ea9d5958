#pragma once

#include <weir/engine/entry.hpp>

#include <cstddef>
#include <cstdint>

namespace weir {

/// Bits and sizes that the writer and the reader of messages share.
namespace request_flags {
inline constexpr std::uint8_t gutter = 1;   // get and get many
inline constexpr std::uint8_t explain = 2;  // get only
inline constexpr std::uint8_t ttl = 4;      // change only
inline constexpr std::uint8_t held = 8;     // get only: a version follows
inline constexpr std::uint8_t batch = 16;   // get only
}  // namespace request_flags

/// An answer begins with `answer_size` bytes:
///
///     0 error u16   2 flags u16   4 from u8   5 detail u8   6 epoch u64   14 seq u64
///     22 ttl ms u32   26 age ms u32   30 length of the value u32
///
/// and goes on with the node's name, metadata, steps, view and words of the error, as the flags
/// say, and the value.
inline constexpr std::size_t answer_size = 34;

namespace answer_flags {
inline constexpr std::uint16_t found = 1;
inline constexpr std::uint16_t meta = 2;
inline constexpr std::uint16_t steps = 4;
inline constexpr std::uint16_t view = 8;
inline constexpr std::uint16_t same_view = 16;  // as the first one in this message
inline constexpr std::uint16_t collapsed = 32;
inline constexpr std::uint16_t stored = 64;
inline constexpr std::uint16_t node = 128;
inline constexpr std::uint16_t leased = 256;
inline constexpr std::uint16_t unchanged = 512;
inline constexpr std::uint16_t words = 1024;  // of the error: ours, then the source's
inline constexpr std::uint16_t all = 2047;
}  // namespace answer_flags

namespace change_flags {  // of the reply
inline constexpr std::uint8_t stored = 1;
inline constexpr std::uint8_t words = 2;  // of the error: ours, then the source's
}  // namespace change_flags

namespace ping_flags {
inline constexpr std::uint8_t empty = 1;       // the request's
inline constexpr std::uint8_t draining = 16;   // of both
inline constexpr std::uint8_t granted = 1;     // the reply's
inline constexpr std::uint8_t flush = 2;       // the reply's
inline constexpr std::uint8_t more_hints = 4;  // the reply's
inline constexpr std::uint8_t latecomer = 8;   // the reply's
inline constexpr std::uint8_t settings = 32;   // the reply's: a list follows
inline constexpr std::uint8_t settled = 64;    // the reply's
inline constexpr std::uint8_t young = 128;     // the reply's
}  // namespace ping_flags

namespace settings_flags {  // of one keyspace
inline constexpr std::uint8_t available = 1;
inline constexpr std::uint8_t writable = 2;
inline constexpr std::uint8_t near = 4;
}  // namespace settings_flags

namespace feed_flags {
inline constexpr std::uint8_t reset = 1;
}  // namespace feed_flags

namespace record_flags {  // of votes and relays
inline constexpr std::uint8_t flush = 1;
}  // namespace record_flags

namespace vote_flags {  // of the reply
inline constexpr std::uint8_t leaseless = 1;
inline constexpr std::uint8_t delivered = 2;
}  // namespace vote_flags

inline constexpr milliseconds max_wire_age{0xffffffff};
inline constexpr std::size_t max_refusal_text = 512;
inline constexpr std::size_t max_error_words = 1024;  // each of the two

}  // namespace weir
