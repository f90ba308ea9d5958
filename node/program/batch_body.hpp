#pragma once

#include <span>
#include <string>

namespace weir {

/// The JSON body of a batch: {"keys": [...]}, or {"keys_base64": [...]} when a key is not UTF-8.
std::string batch_body(std::span<const std::string> keys);

}  // namespace weir
