#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace weir::config {

/// Whether a header of this name usually carries a credential.
bool is_credential(std::string_view name);

/// `line` of a YAML text with what may be a secret in it replaced by as many asterisks.
/// `above(n)` is the n-th line above it, from 1; empty beyond the first: a value may begin there.
std::string masked(
    std::string_view line, const std::function<std::string_view(std::size_t)>& above
);

}  // namespace weir::config
