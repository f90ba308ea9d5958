#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/membership.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace weir WEIR_API {

/// The address that other nodes can dial, for a node that listens on `listening`: that address
/// itself, or, when it stands for every interface, the one from which the system would reach the
/// first of `candidates` with a literal address, else the world, with the same port. 127.0.0.1 when
/// nothing is reached. Asks the routing table only; sends nothing.
std::string advertised_address(
    std::string_view listening, const std::vector<candidate>& candidates
);

/// The name of this machine; "localhost" when it has none.
std::string host_name();

}  // namespace weir
