#pragma once

#include <weir/engine/api.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir WEIR_API {

/// What a peer did against the protocol. Each closes the connection with errc::protocol and is
/// counted.
enum class peer_fault : std::uint8_t {
  none,
  magic,              ///< the stream does not begin with "WEIR": not a peer, or out of step
  version,            ///< a frame of another protocol version
  checksum,           ///< a frame that was damaged on its way
  type,               ///< a frame type that does not exist
  flags,              ///< reserved flags set, or "more" where nothing follows
  length,             ///< a chunk whose length does not fit the message it continues
  too_large,          ///< a message over the limit of its type
  too_many_partial,   ///< more long messages side by side than allowed
  unexpected,         ///< a frame that this side must not send now
  truncated,          ///< a field that reaches beyond its message
  trailing,           ///< bytes after the last field
  bad_value,          ///< a field outside its range
  bad_view,           ///< a member list that no node can have
  duplicate_request,  ///< a request id that is still in service
  unknown_replies,    ///< 100 replies without a request
  mismatched_reply,   ///< a reply of another type than its request
};

inline constexpr std::size_t peer_fault_count =
    static_cast<std::size_t>(peer_fault::mismatched_reply) + 1;

/// The name as in metrics and logs: "duplicate_request". Static storage.
std::string_view name(peer_fault fault) noexcept;

}  // namespace weir
