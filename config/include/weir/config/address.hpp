#pragma once

#include <weir/engine/api.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace weir WEIR_API {
namespace config {

/// What is wrong with `text` as an address and what to write, as one sentence; nullopt = nothing.
/// Takes "host:port", "[::1]:port" and ":port" with names and literal addresses, and no schemes,
/// zones or bare IPv6 addresses: the rule of every address in a configuration.
std::optional<std::string> address_problem(std::string_view text);

}  // namespace config
}  // namespace weir
