#pragma once

#include "peer/wire/frame_decoder.hpp"
#include "peer/wire/frame_queue.hpp"

#include <weir/engine/peer.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

/// Longest strings on the wire, in bytes. Our own texts are cut to fit, a peer's longer ones are a
/// fault.
inline constexpr std::size_t max_address = 300;
inline constexpr std::size_t max_metadata = 1024;
inline constexpr std::size_t max_explain_steps = 64;
inline constexpr std::size_t max_explain_text = 1024;
inline constexpr std::size_t max_records = 4096;            ///< changes in one message
inline constexpr std::size_t max_records_bytes = 1u << 20;  ///< their keys and values
inline constexpr std::size_t max_listed_ids = 1024;         ///< members, removals, names in a list
inline constexpr std::size_t max_counted_views = 64;
inline constexpr std::size_t max_state_bytes = 1u << 20;  ///< all ids of an electorate

/// "I am this node, I speak these versions": the first frame in each direction.
struct hello {
  identity who;
  std::uint16_t lowest_version = peer_protocol_version;
  std::uint16_t highest_version = peer_protocol_version;
};

/// Why a node ends a handshake. Travels as a number with a text for the log.
enum class refusal_reason : std::uint8_t {
  other_cluster = 1,
  self,        ///< the node talks to itself
  doubled_id,  ///< another living process uses this node id
  version,     ///< no protocol version in common
  busy,        ///< too many connections
  bad_hello,   ///< a field outside its limits
  other_ring,  ///< its settings give other owners to the same keys
  own_id,      ///< the two nodes have the same node id
};

struct refusal {
  refusal_reason reason = refusal_reason::bad_hello;
  std::string text;
};

/// Whether a request may be sent as it is: errc::bad_key, too_large, bad_request or no_keyspace,
/// else no error. The receiver asks the same question and answers with the same code.
error_code check_request(const peer_request& request, const frame_limits& limits);

/// Append one message to `out`. `left` is the time the far side has; 0 to 49 days.
/// The request has passed check_request().
void append_request(
    frame_queue& out, std::uint64_t id, const peer_request& request, milliseconds left
);

/// What does not fit its limits leaves as an error instead: a value over the limit, or batch
/// answers after the first `max_batch_reply` bytes, become errc::too_large. Foreign error codes
/// become source_failed. Hints over their limits become "drop everything"; an electorate over its
/// limits is left out, in requests too.
void append_reply(
    frame_queue& out, std::uint64_t id, const peer_reply& reply, const frame_limits& limits
);

/// Answers a request with nothing but an error.
void append_fault(frame_queue& out, std::uint64_t id, std::uint64_t view_digest, error_code error);

/// Says that a get loads at its owner. Has no body.
void append_loading(frame_queue& out, std::uint64_t id, std::uint64_t view_digest);

void append_hello(std::string& out, const hello& message);
void append_refusal(std::string& out, const refusal& message);

/// Read one complete message. On a fault the result is not to be used; nothing else happens.
/// `request` keeps the memory that it has.
peer_fault read_request(const frame_message& message, peer_request& request);
peer_fault read_reply(const frame_message& message, peer_reply& reply);
peer_fault read_fault(const frame_message& message, error_code& error);
peer_fault read_hello(const frame_message& message, hello& greeting);
peer_fault read_refusal(const frame_message& message, refusal& goodbye);

/// The frame type that carries a request or reply.
frame_type type_of(const request_body& body) noexcept;
frame_type type_of(const reply_body& body) noexcept;

}  // namespace weir
