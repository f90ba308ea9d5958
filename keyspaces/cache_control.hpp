#pragma once

#include <weir/engine/entry.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir {

/// How long an HTTP answer may be kept, by its Cache-Control and Age (RFC 9111, 4.2 and 5.2).
///
/// 0 for no-store, no-cache, and a lifetime that is used up or cannot be read; s-maxage goes before
/// max-age; of several the shortest holds. Nullopt when the origin says nothing. Dates are not
/// looked at, nor is `private`: whoever names an origin as a source has decided that it may be
/// shared.
std::optional<milliseconds> ttl_of(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace weir
