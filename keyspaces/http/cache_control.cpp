#include "http/cache_control.hpp"

#include "http/http_date.hpp"

#include <weir/transport/http_message.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>

namespace weir {
namespace {

using std::chrono::seconds;
using std::chrono::sys_seconds;

constexpr std::int64_t most_seconds = 1LL << 31;  // RFC 9111, 1.2.2

std::string_view trimmed(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

bool is_quoted(std::string_view text) noexcept {
  return text.size() >= 2 && text.front() == '"' && text.back() == '"';
}

std::string_view unquoted(std::string_view text) noexcept {
  return is_quoted(text) ? text.substr(1, text.size() - 2) : text;
}

/// A count of seconds; 0 for what is none, so that nothing is kept by mistake.
std::int64_t seconds_in(std::string_view text) noexcept {
  text = unquoted(text);
  std::int64_t count = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (end != text.data() + text.size() || text.empty()) return 0;
  if (problem == std::errc::result_out_of_range) return text.front() == '-' ? 0 : most_seconds;
  return std::clamp<std::int64_t>(count, 0, most_seconds);
}

/// The first element of a list, which it leaves; a comma in a quoted string is none.
std::string_view take_element(std::string_view& list) noexcept {
  bool in_quotes = false;
  std::size_t end = 0;
  for (; end != list.size() && (in_quotes || list[end] != ','); ++end) {
    if (list[end] == '"') in_quotes = !in_quotes;
    if (in_quotes && list[end] == '\\' && end + 1 != list.size()) ++end;
  }
  const auto element = trimmed(list.substr(0, end));
  list.remove_prefix(std::min(end + 1, list.size()));
  return element;
}

/// Whether `private="..."` or `no-cache="..."` is about a field that is kept with the value. Others
/// are not kept at all, which is what such a list asks for (RFC 9111, 5.2.2.4 and 5.2.2.7).
bool names_kept_field(std::string_view names) noexcept {
  names = unquoted(names);
  while (!names.empty()) {
    const auto name = take_element(names);
    for (const std::string_view kept : {"content-type", "etag", "last-modified"}) {
      if (http_name_equal(name, kept)) return true;
    }
  }
  return false;
}

void shorten(std::optional<std::int64_t>& to, std::int64_t by) noexcept {
  to = std::min(to.value_or(by), by);
}

struct directives {
  bool is_refused = false;
  std::optional<std::int64_t> max_age;
  std::optional<std::int64_t> shared_max_age;

  void read(std::string_view list) noexcept {
    while (!list.empty()) {
      const auto one = take_element(list);
      const auto equals = std::min(one.find('='), one.size());
      const auto name = trimmed(one.substr(0, equals));
      const auto value = equals < one.size() ? trimmed(one.substr(equals + 1)) : std::string_view();
      const auto is = [&](std::string_view other) { return http_name_equal(name, other); };
      if (is("no-store")) is_refused = true;
      if (is("no-cache") || is("private"))
        is_refused = is_refused || !is_quoted(value) || names_kept_field(value);
      if (is("max-age")) shorten(max_age, seconds_in(value));
      if (is("s-maxage")) shorten(shared_max_age, seconds_in(value));
    }
  }
};

bool has_star(std::string_view list) noexcept {
  while (!list.empty()) {
    if (take_element(list) == "*") return true;
  }
  return false;
}

milliseconds to_milliseconds(std::int64_t count) noexcept {
  return seconds(std::clamp<std::int64_t>(count, 0, most_seconds));
}

}  // namespace

std::optional<milliseconds> http_freshness::ttl() const noexcept {
  if (is_refused) return milliseconds(0);
  if (!lifetime) return std::nullopt;
  return std::max(*lifetime - age, milliseconds(0));
}

http_freshness freshness_of(const http_fields& fields, sys_seconds now) {
  http_freshness out;
  directives said;
  std::optional<std::int64_t> age;
  std::optional<sys_seconds> date, expires;
  bool has_expires = false, has_via = false;
  for (const auto& [name, value] : fields) {
    const auto is = [&field = name](std::string_view other) {
      return http_name_equal(field, other);
    };
    if (is("cache-control")) said.read(value);
    if (is("age")) age = std::max(age.value_or(0), seconds_in(trimmed(value)));
    if (is("date") && !date) date = parse_http_date(trimmed(value));
    if (is("via")) has_via = true;
    if (is("vary") && has_star(value)) out.is_refused = true;
    if (is("expires")) {
      // What is no date, "0" for one, is in the past (RFC 9111, 5.3).
      const auto when = parse_http_date(trimmed(value)).value_or(sys_seconds::min());
      expires = has_expires ? std::min(*expires, when) : when;
      has_expires = true;
    }
  }
  out.is_refused = out.is_refused || said.is_refused;
  if (said.shared_max_age || said.max_age) {
    out.lifetime = to_milliseconds(said.shared_max_age ? *said.shared_max_age : *said.max_age);
  } else if (has_expires) {
    const auto from = date.value_or(now);
    out.lifetime = *expires <= from ? milliseconds(0) : to_milliseconds((*expires - from).count());
  }
  if (age)
    out.age = to_milliseconds(*age);
  else if (has_via && date && *date < now)
    out.age = to_milliseconds((now - *date).count());
  return out;
}

}  // namespace weir
