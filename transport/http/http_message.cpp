#include <weir/transport/http_message.hpp>

#include <array>
#include <charconv>

namespace weir {
namespace {

constexpr std::array methods = {
    http_method::get,
    http_method::head,
    http_method::put,
    http_method::post,
    http_method::delete_,
    http_method::purge,
    http_method::options,
    http_method::patch};

constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

}  // namespace

http_method parse_http_method(std::string_view text) noexcept {
  for (const auto each : methods) {
    if (name(each) == text) return each;
  }
  return http_method::other;
}

std::string_view name(http_method method) noexcept {
  switch (method) {
    case http_method::get:
      return "GET";
    case http_method::head:
      return "HEAD";
    case http_method::put:
      return "PUT";
    case http_method::post:
      return "POST";
    case http_method::delete_:
      return "DELETE";
    case http_method::purge:
      return "PURGE";
    case http_method::options:
      return "OPTIONS";
    case http_method::patch:
      return "PATCH";
    case http_method::other:
      break;
  }
  return "OTHER";
}

bool http_name_equal(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

std::optional<std::string_view> http_request::header(std::string_view name) const noexcept {
  for (const auto& field : fields) {
    if (http_name_equal(field.name, name)) return field.value;
  }
  return std::nullopt;
}

http_response& http_response::add(std::string_view name, std::string_view value) {
  fields_.append(name).append(": ");
  const auto start = fields_.size();
  fields_.append(value);
  for (auto i = start; i < fields_.size(); ++i) {
    const auto c = static_cast<unsigned char>(fields_[i]);
    if (c < 0x20 || c == 0x7f) fields_[i] = ' ';
  }
  fields_.append("\r\n");
  return *this;
}

void http_response::clear() noexcept {
  status = 200;
  body = bytes();
  pieces.reset();
  fields_.clear();
}

std::string_view http_reason(unsigned status) noexcept {
  switch (status) {
    case 100:
      return "Continue";
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 412:
      return "Precondition Failed";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 421:
      return "Misdirected Request";
    case 429:
      return "Too Many Requests";
    case 426:
      return "Upgrade Required";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

void append_status_line(std::string& out, unsigned status) {
  if (status == 200) {
    out.append("HTTP/1.1 200 OK\r\n");
    return;
  }
  std::array<char, 12> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), status).ptr;
  out.append("HTTP/1.1 ").append(digits.data(), end).append(" ");
  out.append(http_reason(status)).append("\r\n");
}

}  // namespace weir
