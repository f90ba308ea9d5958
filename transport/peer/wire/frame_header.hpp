#pragma once

#include <weir/engine/peer.hpp>
#include <weir/transport/peer_fault.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

namespace weir {

/// What a frame carries. Requests and replies count their ids apart, each side for its own
/// requests.
enum class frame_type : std::uint8_t {
  hello = 1,    ///< who I am; first frame in each direction
  refusal = 2,  ///< why I end this connection; last frame
  get = 16,
  get_many,
  change,
  ping,
  leave,
  confirm,
  feed,
  vote,
  relay,
  report,
  get_reply = 32,
  get_many_reply,
  change_reply,
  ping_reply,
  leave_reply,
  confirm_reply,
  feed_reply,
  vote_reply,
  relay_reply,
  report_reply,
  loading = 46,  ///< a get that starts or joins a load at its owner; its reply follows
  fault = 47,    ///< a request that was understood but is over a limit: only an error code
};

constexpr bool is_request(frame_type type) {
  return type >= frame_type::get && type <= frame_type::report;
}

constexpr bool is_reply(frame_type type) {
  return (type >= frame_type::get_reply && type <= frame_type::report_reply) ||
         type == frame_type::loading || type == frame_type::fault;
}

/// What leases hang on: it never waits behind values.
constexpr bool is_control(frame_type type) {
  return type == frame_type::ping || type == frame_type::ping_reply || type == frame_type::vote ||
         type == frame_type::vote_reply;
}

/// The reply that belongs to a request: peer_codec.cpp says of each pair that it is so.
constexpr frame_type reply_to(frame_type request) {
  return static_cast<frame_type>(static_cast<std::uint8_t>(request) + 16);
}

/// The fixed 40 bytes before each chunk, all little endian:
///
///     0 magic "WEIR"   4 version   5 type   6 flags, bit 0 = more chunks follow, others 0
///     8 request id u64   16 bytes left of the message, this chunk included, u32
///     20 time left in ms u32 (requests)   24 digest of the sender's view u64
///     32 checksum of the chunk u32   36 checksum of the 36 bytes before it u32
///
/// A chunk has min(bytes left, frame_chunk) bytes, so the first frame tells the whole length. The
/// header has a checksum of its own, so that a damaged length is found before it is waited for.
struct frame_header {
  frame_type type = frame_type::ping;
  std::uint64_t id = 0;
  std::uint32_t remaining = 0;
  std::uint32_t timeout_ms = 0;
  std::uint64_t view_digest = 0;
  std::uint32_t chunk_checksum = 0;  ///< as received; computed when a frame is written

  std::uint32_t chunk() const noexcept;

  bool more() const noexcept { return chunk() < remaining; }
};

inline constexpr std::size_t frame_header_size = 40;
inline constexpr std::uint32_t frame_chunk = 16 * 1024;  ///< 131 ms at 1 Mbit/s

/// Bytes that the system keeps unsent for one connection before it takes no more
/// (TCP_NOTSENT_LOWAT); below half of it there is room for more than control frames.
inline constexpr std::uint32_t max_unsent = frame_chunk;

inline std::uint32_t frame_header::chunk() const noexcept {
  return std::min(remaining, frame_chunk);
}

/// Caps on what travels between two nodes; the same on all nodes of a cluster.
struct frame_limits {
  std::uint32_t max_value = max_value_bytes;  ///< bytes of one value
  std::uint32_t max_batch_reply = 16u << 20;  ///< bytes of all values of one get_many
  std::size_t max_partial = 16;               ///< long messages that may arrive side by side
};

/// Room for everything beside the value: key, metadata, explain steps, a view of 256 members.
inline constexpr std::uint32_t frame_slack = 256 * 1024;

/// The longest message of that type; a longer one is refused at its first header.
std::uint32_t max_length(frame_type type, const frame_limits& limits) noexcept;

/// The most bytes that unfinished long messages may hold together.
std::uint64_t max_partial_bytes(const frame_limits& limits) noexcept;

/// The low 32 bits of XXH3-64.
std::uint32_t frame_checksum(std::string_view bytes) noexcept;

/// Writes the header, with its checksums, into the frame that begins at `start` of `out`:
/// frame_header_size bytes of any content, and behind them, to the end of `out`, the chunk.
void seal_frame(std::string& out, std::size_t start, const frame_header& header);

/// Appends one frame.
void append_frame(std::string& out, const frame_header& header, std::string_view chunk);

/// Reads frame_header_size bytes at `data`; on any fault the header is not to be used.
peer_fault read_header(const char* data, frame_header& header) noexcept;

/// Little-endian numbers at any address.
template <class Number>
void store_number(char* to, Number value) noexcept {
  for (std::size_t i = 0; i < sizeof value; ++i) to[i] = static_cast<char>(value >> (8 * i));
}

template <class Number>
Number load_number(const char* from) noexcept {
  Number value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    value |=
        static_cast<Number>(static_cast<Number>(static_cast<unsigned char>(from[i])) << (8 * i));
  }
  return value;
}

}  // namespace weir
