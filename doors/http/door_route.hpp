#pragma once

#include <weir/transport/http_message.hpp>
#include <weir/transport/http_target.hpp>

#include <cstdint>
#include <string_view>

namespace weir {

/// Everything that has a path at the door.
enum class door_page : std::uint8_t {
  key,       ///< /v1/{keyspace}/{key}
  keyspace,  ///< /v1/{keyspace}
  cluster,
  members,
  ring,
  keyspaces,
  reload,  ///< POST /cluster/reload
  drain,   ///< POST /cluster/drain
  stats,
  livez,
  readyz,
  metrics,
  unknown,
};

/// A request path taken apart; the views are raw, percent-encoded parts of it.
struct door_route {
  door_page page = door_page::unknown;
  std::string_view keyspace;
  std::string_view key;
};

door_route find_route(std::string_view path) noexcept;

/// Whether the request is for the list of keys of a keyspace.
inline bool asks_for_keys(const http_request& request, door_page page) noexcept {
  return page == door_page::keyspace && query_parameter(request.query, "keys").has_value();
}

/// Whether an operator asks the program for something there.
constexpr bool is_action(door_page page) noexcept {
  return page == door_page::reload || page == door_page::drain;
}

/// The value of an Allow field for `page`; of a key page in a keyspace that denies writes.
std::string_view allowed_methods(door_page page) noexcept;

inline constexpr std::string_view allowed_with_writes = "GET, HEAD, PUT, DELETE, PURGE, OPTIONS";

/// The name of the first query parameter that is not in `known` (a list like "explain fresh");
/// empty when all are.
std::string_view unknown_parameter(std::string_view query, std::string_view known) noexcept;

/// The name of the first query parameter that stands there again; empty when none does.
std::string_view doubled_parameter(std::string_view query) noexcept;

/// Whether `typed` is one or two slips of the finger away from `known`.
bool is_near_miss(std::string_view typed, std::string_view known);

}  // namespace weir
