#pragma once

#include "nats/nats_outcome.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

/// What a node publishes of itself.
struct nats_presence {
  enum class kind : std::uint8_t { here, gone };

  kind what = kind::here;
  std::string cluster;
  std::string id;
  std::string address;  ///< host:port that others dial
  std::uint64_t incarnation = 0;
  std::uint64_t at = 0;  ///< milliseconds since 1970; grows with each message of a node

  friend bool operator==(const nats_presence&, const nats_presence&) = default;
};

/// No presence is longer.
inline constexpr std::size_t longest_presence = 2'048;

/// One line of words: "weir1 here CLUSTER ID ADDRESS INCARNATION AT SIGNATURE". The signature is
/// "-", or HMAC-SHA256 of all before it under `secret`, in hex. Cluster and id are percent-encoded.
std::string write_nats_presence(const nats_presence& from, std::string_view secret);

/// Reads what write_nats_presence() wrote: `heard`, or `malformed`, `other_cluster`, `is_unsigned`
/// or `forged`. Without a secret signatures are not checked. Refuses addresses that cannot be
/// dialled. Costs about 2 us with a secret.
nats_outcome read_nats_presence(
    std::string_view text, std::string_view cluster, std::string_view secret, nats_presence& into
);

}  // namespace weir
