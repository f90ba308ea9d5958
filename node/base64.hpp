#pragma once

#include <string>
#include <string_view>

namespace weir {

/// Base64 with padding (RFC 4648, section 4).
std::string encode_base64(std::string_view data);

/// The bytes of base64 text; what is not base64 reads as empty.
std::string decode_base64_text(std::string_view text);

}  // namespace weir
