#pragma once

#include "yaml/document.hpp"
#include "yaml/expand.hpp"
#include "yaml/reporter.hpp"

#include <string>
#include <string_view>

namespace weir::config {

/// Lays `later` over `base`: maps key by key, keyspaces by name, everything else replaced. A
/// `source` of another type replaces the whole source.
void merge(node& base, node later);

/// Applies `path=value`, source `source` of `problems`. Maps on the way are created. The value is
/// YAML when it stands in brackets or braces, text otherwise; variables are replaced. Reports a
/// malformed option and an unknown keyspace; unknown keys are left to decode().
void apply_set(
    node& root,
    std::string_view option,
    std::uint32_t source,
    const lookup& variable,
    reporter& problems
);

}  // namespace weir::config
