#include <weir/transport/http_problem.hpp>
#include <weir/transport/text.hpp>

namespace weir {
namespace {

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
