#include "http/http_parser.hpp"

#include "http/http_lines.hpp"

#include <charconv>

namespace weir {

using namespace http_lines;

namespace {

constexpr std::size_t max_method = 32;

bool has_list_token(std::string_view list, std::string_view token) noexcept {
  while (!list.empty()) {
    const auto end = std::min(list.find(','), list.size());
    if (http_name_equal(trim(list.substr(0, end)), token)) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

parse_state take_content_length(
    std::string_view value, http_request_head& head, http_refusal& why
) {
  if (head.content_length) return refuse(why, 400, "more than one Content-Length");
  std::uint64_t length = 0;
  const auto* end = value.data() + value.size();
  const auto parsed = std::from_chars(value.data(), end, length);
  if (parsed.ec == std::errc::result_out_of_range && parsed.ptr == end) {
    return refuse(why, 413, "Content-Length is over the limit");
  }
  if (value.empty() || parsed.ec != std::errc() || parsed.ptr != end) {
    return refuse(why, 400, "Content-Length must be decimal digits");
  }
  head.content_length = length;
  return parse_state::complete;
}

/// Fields that frame the message.
parse_state take_framing(const http_field& field, http_request_head& head, http_refusal& why) {
  switch (field.name.size()) {
    case 10:
      if (!http_name_equal(field.name, "connection")) break;
      if (has_list_token(field.value, "close"))
        head.keep_alive = false;
      else if (head.http_1_0 && has_list_token(field.value, "keep-alive"))
        head.keep_alive = true;
      break;
    case 14:
      if (http_name_equal(field.name, "content-length"))
        return take_content_length(field.value, head, why);
      break;
    case 17:
      if (!http_name_equal(field.name, "transfer-encoding")) break;
      if (head.chunked) return refuse(why, 400, "more than one Transfer-Encoding");
      if (head.http_1_0) return refuse(why, 400, "HTTP/1.0 has no Transfer-Encoding");
      if (!http_name_equal(field.value, "chunked"))
        return refuse(why, 501, "only the chunked coding is known");
      head.chunked = true;
      break;
    default:
      break;
  }
  return parse_state::complete;
}

/// The field lines from `at` to the empty line; `see` gets each field.
template <class See>
parse_state take_fields(
    std::string_view buffer,
    std::size_t at,
    const head_limits& limits,
    http_request_head& head,
    http_refusal& why,
    See see
) {
  const auto start = at;
  for (;;) {
    std::string_view line;
    const auto state = take_line(buffer, at, line, why);
    if (state == parse_state::refused) return state;
    const auto used = state == parse_state::need_more ? buffer.size() - start : at - start;
    if (used > limits.header + 2) return refuse(why, 431, "the header is over its limit");
    if (state == parse_state::need_more) return state;
    if (line.empty()) break;
    if (head.field_count == std::min(limits.fields, head.storage.size()))
      return refuse(why, 431, "too many header fields");
    auto& field = head.storage[head.field_count];
    if (take_field(line, field, why) != parse_state::complete) return parse_state::refused;
    ++head.field_count;
    if (take_framing(field, head, why) != parse_state::complete) return parse_state::refused;
    if (see(field) != parse_state::complete) return parse_state::refused;
  }
  head.size = at;
  if (head.chunked && head.content_length) {
    return refuse(why, 400, "Content-Length and Transfer-Encoding in one message");
  }
  return parse_state::complete;
}

void reset(http_request_head& head) noexcept {
  head.field_count = 0;
  head.size = 0;
  head.content_length.reset();
  head.chunked = false;
  head.keep_alive = true;
  head.http_1_0 = false;
}

/// "HTTP/1.1" or "HTTP/1.0"; 505 for another number.
parse_state take_version(std::string_view text, http_request_head& head, http_refusal& why) {
  if (text == "HTTP/1.1") return parse_state::complete;
  if (text == "HTTP/1.0") {
    head.http_1_0 = true;
    head.keep_alive = false;
    return parse_state::complete;
  }
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' &&
      is_digit(text[7])) {
    return refuse(why, 505, "only HTTP/1.1 and HTTP/1.0 are spoken here");
  }
  return refuse(why, 400, "the request line does not end with an HTTP version");
}

parse_state split_target(http_request_head& head, http_refusal& why) {
  auto rest = head.target;
  if (rest.size() > 7 && http_name_equal(rest.substr(0, 7), "http://")) {
    rest.remove_prefix(7);
    const auto end = std::min(rest.find_first_of("/?"), rest.size());
    if (!http_name_equal(rest.substr(0, end), head.host))
      return refuse(why, 400, "the target names another host");
    rest.remove_prefix(end);
    if (rest.empty()) rest = "/";
  }
  const auto mark = std::min(rest.find('?'), rest.size());
  head.path = rest.substr(0, mark);
  head.query = rest.substr(std::min(mark + 1, rest.size()));
  if (head.path.starts_with('/')) return parse_state::complete;
  if (head.path == "*" && head.method == http_method::options) return parse_state::complete;
  return refuse(why, 400, "the target must be a path");
}

parse_state take_request_line(
    std::string_view line, const head_limits& limits, http_request_head& head, http_refusal& why
) {
  const auto method_end = line.find(' ');
  const auto target_end = line.rfind(' ');
  if (method_end == std::string_view::npos || target_end == method_end) {
    return refuse(why, 400, "a request line is: method, target, version");
  }
  const auto method = line.substr(0, method_end);
  if (!is_http_token(method) || method.size() > max_method)
    return refuse(why, 400, "the method is not a token");
  head.target = line.substr(method_end + 1, target_end - method_end - 1);
  if (head.target.size() > limits.target) return refuse(why, 414, "the target is over its limit");
  if (take_version(line.substr(target_end + 1), head, why) != parse_state::complete)
    return parse_state::refused;
  head.method = parse_http_method(method);
  if (head.method == http_method::other) return refuse(why, 405, "the method is not known here");
  if (head.target.empty() || !all_of_class(head.target, 4)) {
    return refuse(why, 400, "the target has a character that must be percent-encoded");
  }
  return parse_state::complete;
}

/// What can be said of a request line that has not ended yet.
parse_state check_open_request_line(
    std::string_view line, const head_limits& limits, http_refusal& why
) {
  if (line.empty() || line == "\r") return parse_state::need_more;
  const auto method_end = line.substr(0, max_method + 1).find(' ');
  const bool too_long = method_end == std::string_view::npos && line.size() > max_method;
  if (too_long || !is_http_token(line.substr(0, std::min(method_end, line.size())))) {
    return refuse(why, 400, "the method is not a token");
  }
  if (line.size() > limits.target + max_method + 16)
    return refuse(why, 414, "the target is over its limit");
  return parse_state::need_more;
}

bool is_host_text(std::string_view host) noexcept {
  return host.find_first_of(" \t/\\@?#,") == std::string_view::npos;
}

}  // namespace

parse_state parse_request_head(
    std::string_view buffer, const head_limits& limits, http_request_head& head, http_refusal& why
) {
  reset(head);
  head.host = head.upgrade = head.timeout = {};
  head.expects_continue = false;
  // RFC 9112, 2.2: one empty line before a request is ignored.
  std::size_t at = buffer.starts_with("\r\n") ? 2 : 0;
  std::string_view line;
  auto state = take_line(buffer, at, line, why);
  if (state == parse_state::need_more)
    return check_open_request_line(buffer.substr(at), limits, why);
  if (state == parse_state::refused) return state;
  state = take_request_line(line, limits, head, why);
  if (state != parse_state::complete) return state;

  bool has_host = false;
  bool connection_upgrade = false;
  std::string_view upgrade;
  const auto see = [&](const http_field& field) {
    const auto is = [&field](std::string_view name) { return http_name_equal(field.name, name); };
    switch (field.name.size()) {
      case 4:
        if (!is("host")) break;
        if (has_host) return refuse(why, 400, "more than one Host");
        if (!is_host_text(field.value)) return refuse(why, 400, "Host is not host:port");
        has_host = true;
        head.host = field.value;
        break;
      case 6:
        if (!is("expect")) break;
        if (!http_name_equal(field.value, "100-continue"))
          return refuse(why, 417, "only 100-continue can be expected");
        head.expects_continue = !head.http_1_0;
        break;
      case 7:
        if (is("upgrade")) upgrade = field.value;
        break;
      case 10:
        if (is("connection") && has_list_token(field.value, "upgrade")) connection_upgrade = true;
        break;
      case 12:
        if (is("weir-timeout")) head.timeout = field.value;
        break;
      default:
        break;
    }
    return parse_state::complete;
  };
  state = take_fields(buffer, at, limits, head, why, see);
  if (state != parse_state::complete) return state;
  if (!has_host && !head.http_1_0) return refuse(why, 400, "Host is missing");
  if (connection_upgrade && !head.http_1_0) head.upgrade = upgrade;
  return split_target(head, why);
}

bool is_http_token(std::string_view text) noexcept {
  return !text.empty() && all_of_class(text, 1);
}

bool is_http_value(std::string_view text) noexcept {
  return all_of_class(text, 2);
}

bool is_http_target(std::string_view text) noexcept {
  return !text.empty() && all_of_class(text, 4);
}

}  // namespace weir
