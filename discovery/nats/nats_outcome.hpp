#pragma once

#include <weir/engine/result.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

/// What happened between a node and NATS: one of these for each message and each connection.
enum class nats_outcome : std::uint8_t {
  connected,
  heard,          ///< a heartbeat that counts, the node's own included
  left,           ///< a member said goodbye
  failed,         ///< no server could be reached, or the connection broke
  refused,        ///< the server refused the credentials, or the subject
  untrusted,      ///< TLS failed
  protocol,       ///< what answered does not speak NATS
  deaf,           ///< the node does not hear itself
  malformed,      ///< a message that is no heartbeat
  too_large,      ///< a message of more bytes than any heartbeat
  is_unsigned,    ///< one without a signature, though there is a secret
  forged,         ///< one with a wrong signature
  stale,          ///< one with a good signature from long ago, or from the future
  replayed,       ///< one that was heard before
  other_cluster,  ///< one of a node of another cluster
  duplicate,      ///< another node claims the id of this one
  too_many,       ///< one more member than may be known
};
inline constexpr std::size_t nats_outcomes = static_cast<std::size_t>(nats_outcome::too_many) + 1;

/// The label of a metric: "heard", "forged", ...
std::string_view name(nats_outcome outcome) noexcept;

/// In the category "nats", whose messages say what to do.
error_code make_error_code(nats_outcome outcome) noexcept;

}  // namespace weir
