#pragma once

#include <weir/engine/errc.hpp>
#include <weir/transport/http_message.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weir {

/// Why a message is not taken, and with which status to say so.
struct http_refusal {
  unsigned status = 400;
  errc code = errc::bad_request;
  const char* detail = "";
};

enum class parse_state : std::uint8_t { need_more, complete, refused };

/// The most fields a head may have, whatever the limits say.
inline constexpr std::size_t max_http_fields = 64;

/// What a head may be at most; the rest of http_limits is for the connection.
struct head_limits {
  std::size_t target = 8'192;
  std::size_t header = 8'192;
  std::size_t fields = max_http_fields;
};

/// Views point into the parsed buffer.
struct http_request_head {
  http_method method = http_method::get;
  std::string_view target, path, query;
  std::string_view host;
  std::string_view upgrade;  ///< empty unless `Connection: upgrade` names it too
  std::string_view timeout;  ///< of Weir-Timeout
  bool expects_continue = false;
  std::size_t field_count = 0;
  std::size_t size = 0;  ///< bytes up to and with the empty line
  std::optional<std::uint64_t> content_length;
  bool chunked = false;
  bool keep_alive = true;
  bool http_1_0 = false;
  std::array<http_field, max_http_fields> storage;

  std::span<const http_field> fields() const noexcept { return {storage.data(), field_count}; }
};

/// Parses a request head from the front of `buffer` (RFC 9112, strict: no folded lines, no blank
/// before the colon, no bare line feed, one Host, at most one length). Stateless: call it again
/// with more bytes after need_more. `head` means something only after complete, `why` after
/// refused.
parse_state parse_request_head(
    std::string_view buffer, const head_limits& limits, http_request_head& head, http_refusal& why
);

/// Takes the chunked coding off a body, piece by piece. Trailers are checked and dropped.
class chunk_decoder {
 public:
  explicit chunk_decoder(std::uint64_t body_limit) : limit_(body_limit) {}

  /// Decodes the front of `input` onto `out` and says in `consumed` how much it took. need_more:
  /// show the rest again with more behind it. Allocation follows the bytes received.
  parse_state decode(
      std::string_view input, std::size_t& consumed, std::string& out, http_refusal& why
  );

 private:
  enum class step : std::uint8_t { size, data, data_end, trailer, done };

  parse_state take_size(std::string_view line, std::uint64_t decoded, http_refusal& why);
  parse_state take_trailer(std::string_view line, http_refusal& why);

  std::uint64_t limit_;
  std::uint64_t left_ = 0;
  std::size_t trailer_bytes_ = 0;
  step step_ = step::size;
};

/// Whether `text` can stand as a field name or method, as a field value, as a request target.
bool is_http_token(std::string_view text) noexcept;
bool is_http_value(std::string_view text) noexcept;
bool is_http_target(std::string_view text) noexcept;

}  // namespace weir
