#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace weir {

/// How many keys a node takes in one request.
inline constexpr std::size_t most_batch_keys = 1000;

/// The JSON body of a batch: {"keys": [...]}, or {"keys_base64": [...]} when a key is not UTF-8.
std::string batch_body(std::span<const std::string> keys);

}  // namespace weir
