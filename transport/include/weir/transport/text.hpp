#pragma once

#include <weir/engine/api.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir WEIR_API {  // for the modules above

/// Length of the UTF-8 sequence at the front of `text`, which must not be empty; 0 when there is
/// none (RFC 3629: no over-long forms, no surrogates, nothing beyond U+10FFFF).
std::size_t utf8_length(std::string_view text) noexcept;

bool is_utf8(std::string_view text) noexcept;

/// Appends two lower-case hexadecimal digits.
void append_hex(std::string& out, unsigned char byte);

/// The number in lower-case hexadecimal digits, as few as it takes.
std::string hex(std::uint64_t number);

/// Appends `text` as a JSON string with its quotes (RFC 8259, section 7); bytes that are not UTF-8
/// become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

/// Base64 with padding (RFC 4648, section 4).
void append_base64(std::string& out, std::string_view data);
std::string encode_base64(std::string_view data);

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
