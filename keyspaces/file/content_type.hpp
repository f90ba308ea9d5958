#pragma once

#include <string_view>

namespace weir {

/// The media type that belongs to the extension of a file name, whatever its case; empty when
/// unknown.
std::string_view content_type_of(std::string_view file_name) noexcept;

}  // namespace weir
