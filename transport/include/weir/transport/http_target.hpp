#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/result.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace weir WEIR_API {

/// Percent-decodes a key taken from a path; "/" and "%2F" give the same byte, "+" stays "+".
/// Fails with errc::bad_request on a '%' that is not followed by two hex digits.
[[nodiscard]] result<std::string> decode_path_segment(std::string_view raw);

/// decode_path_segment() into `out`, reusing its memory; false where that one fails.
bool decode_path_segment_into(std::string_view raw, std::string& out);

/// Percent-encodes every byte but the unreserved ones of RFC 3986, '/' too: one path segment.
std::string encode_path_segment(std::string_view key);

/// The raw value of the first parameter `name` in `query` ("a=1&b"): empty for one without '=',
/// nullopt when there is none.
std::optional<std::string_view> query_parameter(
    std::string_view query, std::string_view name
) noexcept;

}  // namespace weir
