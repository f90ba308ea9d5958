#pragma once

#include <string_view>

namespace weir::config {

/// What the page says of a source beside its rows, in Markdown.
std::string_view http_note() noexcept;

}  // namespace weir::config
