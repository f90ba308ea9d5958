#pragma once

#include <string>
#include <vector>

namespace weir {

/// The JSON body of a batch: {"keys": [...]}, or {"keys_base64": [...]} when a key is not UTF-8.
std::string batch_body(const std::vector<std::string>& keys);

}  // namespace weir
