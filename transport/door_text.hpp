#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// Length of the UTF-8 sequence at the front of `text`, which must not be empty; 0 when there is
/// none (RFC 3629: no over-long forms, no surrogates, nothing beyond U+10FFFF).
std::size_t utf8_length(std::string_view text) noexcept;

bool is_utf8(std::string_view text) noexcept;

/// Base64 with padding (RFC 4648, section 4).
void append_base64(std::string& out, std::string_view data);

/// The bytes of padded base64; nullopt on anything else, stray bits at the end included.
std::optional<std::string> decode_base64(std::string_view text);

/// A duration with units, each once and the largest first: "250ms", "30s", "1h30m", "7d", "0s".
/// nullopt on anything else, such as a number without unit, a sign, a fraction or a sum beyond 292
/// million years.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept;

/// Appends a decimal number without allocating more than `out` does.
void append_number(std::string& out, std::uint64_t number);
void append_number(std::string& out, std::int64_t number);

}  // namespace weir
