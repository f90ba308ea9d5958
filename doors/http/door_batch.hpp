#pragma once

#include "http/door_conditions.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// The keys that the body of a POST names.
struct door_batch {
  std::vector<std::string> keys;
  bool is_base64 = false;  ///< they came as "keys_base64" and go back so
  bool is_all = false;     ///< {"all": true} in place of keys
};

/// What a body may say beside keys.
enum class batch_form : std::uint8_t { keys, keys_or_all };

/// Reads {"keys": [...]}, {"keys_base64": [...]} or, where it is allowed, {"all": true} into `out`.
/// More than max_batch_keys are too_large, anything else is a bad request.
std::optional<door_refusal> read_batch(std::string_view body, batch_form form, door_batch& out);

}  // namespace weir
