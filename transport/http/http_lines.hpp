#pragma once

#include "http/http_parser.hpp"

#include <cstring>

// The lines of HTTP/1.1 messages, for the parser of heads and the decoder of chunks.
namespace weir::http_lines {

/// Characters by use: 1 = token (RFC 9110, 5.6.2), 2 = allowed in a field value, 4 = in a target.
constexpr std::array<unsigned char, 256> make_http_classes() {
  std::array<unsigned char, 256> classes{};
  for (int c = 0; c < 256; ++c) {
    if ((c >= 0x20 && c != 0x7f) || c == '\t') classes[c] |= 2;
    if (c > 0x20 && c != 0x7f && c != '#') classes[c] |= 4;
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) classes[c] |= 1;
  }
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    classes[static_cast<unsigned char>(c)] |= 1;
  return classes;
}

inline constexpr auto http_classes = make_http_classes();

inline bool all_of_class(std::string_view text, unsigned char wanted) noexcept {
  unsigned char common = wanted;
  for (const char c : text) common &= http_classes[static_cast<unsigned char>(c)];
  return common != 0;
}

inline std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Notes why; always `refused`.
inline parse_state refuse(http_refusal& why, unsigned status, const char* detail) {
  why = {status, status == 413 ? errc::too_large : errc::bad_request, detail};
  if (status == 405) why.code = errc::method_not_allowed;
  return parse_state::refused;
}

/// The next line of `buffer` without its CR LF; moves `at` behind it.
inline parse_state take_line(
    std::string_view buffer, std::size_t& at, std::string_view& line, http_refusal& why
) {
  const auto* start = buffer.data() + at;
  const auto* feed = static_cast<const char*>(std::memchr(start, '\n', buffer.size() - at));
  if (feed == nullptr) return parse_state::need_more;
  if (feed == start || feed[-1] != '\r') return refuse(why, 400, "a line must end with CR LF");
  line = {start, static_cast<std::size_t>(feed - start) - 1};
  at += line.size() + 2;
  return parse_state::complete;
}

/// A field line without its CR LF.
inline parse_state take_field(std::string_view line, http_field& field, http_refusal& why) {
  const auto colon = line.find(':');
  if (line.front() == ' ' || line.front() == '\t')
    return refuse(why, 400, "folded header lines are not taken");
  if (colon == std::string_view::npos) return refuse(why, 400, "a header line has no colon");
  field.name = line.substr(0, colon);
  if (!is_http_token(field.name))
    return refuse(why, 400, "a header name has a character that is not allowed");
  field.value = trim(line.substr(colon + 1));
  if (!all_of_class(field.value, 2))
    return refuse(why, 400, "a header value has a control character");
  return parse_state::complete;
}

}  // namespace weir::http_lines
