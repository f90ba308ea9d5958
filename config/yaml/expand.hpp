#pragma once

#include "yaml/document.hpp"
#include "yaml/reporter.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace weir::config {

using lookup = std::function<std::optional<std::string>(std::string_view)>;

/// Replaces `${VAR}`, `${VAR:-default}`, `${VAR:?message}` and `$${` in every scalar below `root`,
/// once: what a variable contains is never looked at again, and never becomes structure. Keys stay
/// as they are. A `:-` or `:?` also applies to an empty variable. A scalar whose replacement fails
/// is reported and becomes `refused`.
void expand(node& root, const lookup& variable, reporter& problems);

/// `text` with `${` escaped, so that expand() gives `text` back.
std::string escape_variables(std::string_view text);

}  // namespace weir::config
