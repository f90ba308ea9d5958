#pragma once

#include "yaml/document.hpp"
#include "yaml/reporter.hpp"

#include <weir/config/settings.hpp>

namespace weir::config {

/// The rules that concern more than one field, such as the sum of the keyspaces' limits. Also fills
/// keyspace_settings::budget, and shortens an inherited negative_ttl to the TTL. `root` tells where
/// things stand and what was written; rules about fields that already failed are skipped.
void cross_check(settings& checked, const node& root, reporter& problems);

}  // namespace weir::config
