#pragma once

#include <weir/engine/api.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace weir WEIR_API {

/// What a token may do; none includes another.
enum class door_right : std::uint8_t {
  read = 1,   ///< get and get many
  write = 2,  ///< put, remove, invalidate; together with read: get with ?fresh
  admin = 4,  ///< clear; without a list of keyspaces, what changes the node's view too
};

/// One bearer token of the HTTP door.
struct door_token {
  std::string name;    ///< in logs and metrics; not secret
  std::string secret;  ///< what clients send
  std::vector<door_right> allow;
  std::vector<std::string> keyspaces;  ///< where the rights hold; empty = in all
};

}  // namespace weir
