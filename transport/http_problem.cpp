#include <weir/transport/http_problem.hpp>

namespace weir {
namespace {

/// Length of the UTF-8 sequence at the front of `text` (RFC 3629: no over-long forms, no
/// surrogates), 0 when there is none.
std::size_t utf8_length(std::string_view text) noexcept {
  const auto at = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto tail = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return i < text.size() && at(i) >= low && at(i) <= high;
  };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first < 0xc2 || first > 0xf4) return 0;
  if (first < 0xe0) return tail(1) ? 2 : 0;
  if (first < 0xf0) {
    const bool second = tail(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf);
    return second && tail(2) ? 3 : 0;
  }
  const bool second = tail(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf);
  return second && tail(2) && tail(3) ? 4 : 0;
}

std::string_view title_of(errc code) noexcept {
  switch (code) {
    case errc::not_found:
      return "Not found";
    case errc::no_keyspace:
      return "No such keyspace";
    case errc::bad_key:
      return "Bad key";
    case errc::bad_request:
      return "Bad request";
    case errc::unauthorized:
      return "No valid credentials";
    case errc::forbidden:
      return "Not allowed for these credentials";
    case errc::method_not_allowed:
      return "Method not allowed";
    case errc::conflict:
      return "Version differs";
    case errc::too_large:
      return "Too large";
    case errc::overloaded:
      return "Overloaded";
    case errc::source_failed:
      return "Source failed";
    case errc::deadline_exceeded:
      return "Deadline exceeded";
    case errc::unknown_outcome:
      return "Unknown outcome";
    case errc::unavailable:
      return "Unavailable";
    default:
      return "Internal error";
  }
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  out.push_back('"');
  while (!text.empty()) {
    const auto byte = static_cast<unsigned char>(text.front());
    const auto length = utf8_length(text);
    if (length == 0) {
      out.append("\\ufffd");
    } else if (byte == '"' || byte == '\\') {
      out.push_back('\\');
      out.push_back(text.front());
    } else if (byte < 0x20 || byte == 0x7f) {
      out.append("\\u00");
      out.push_back(digits[byte >> 4]);
      out.push_back(digits[byte & 15]);
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  out.push_back('"');
}

unsigned http_status(errc code) noexcept {
  switch (code) {
    case errc::not_found:
    case errc::no_keyspace:
      return 404;
    case errc::bad_key:
    case errc::bad_request:
      return 400;
    case errc::unauthorized:
      return 401;
    case errc::forbidden:
      return 403;
    case errc::method_not_allowed:
      return 405;
    case errc::conflict:
      return 412;
    case errc::too_large:
      return 413;
    case errc::overloaded:
    case errc::unavailable:
      return 503;
    case errc::source_failed:
      return 502;
    case errc::deadline_exceeded:
      return 504;
    default:
      return 500;
  }
}

namespace {

http_response document(
    unsigned status,
    std::string_view code,
    std::string_view title,
    std::string_view detail,
    std::string_view source
) {
  std::string text = "{\"status\":" + std::to_string(status) + ",\"title\":";
  append_json_string(text, title);
  text.append(",\"detail\":");
  append_json_string(text, detail);
  if (!source.empty()) {
    text.append(",\"source\":");
    append_json_string(text, source);
  }
  text.append(",\"code\":");
  append_json_string(text, code);
  text.append("}\n");
  http_response answer(status, text);
  answer.add("Content-Type", "application/problem+json");
  if (code == name(errc::overloaded)) answer.add("Retry-After", "1");
  return answer;
}

}  // namespace

http_response problem(
    unsigned status, std::string_view code, std::string_view title, std::string_view detail
) {
  return document(status, code, title, detail, {});
}

http_response problem(errc code, std::string_view detail, std::string_view source) {
  return document(http_status(code), name(code), title_of(code), detail, source);
}

}  // namespace weir
