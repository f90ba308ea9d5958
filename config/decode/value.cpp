#include "decode/decode.hpp"
#include "text/text.hpp"

#include <algorithm>
#include <string>

namespace weir::config {

namespace {

template <class T>
parsed<value> as_value(const parsed<T>& given) {
  if (!given) return given.error();
  return value{*given};
}

parsed<value> parse_choice(const field& row, std::string_view text) {
  std::uint64_t index = 0;
  std::string listed;
  for (std::string_view rest = row.choices; !rest.empty(); ++index) {
    const std::string_view word = rest.substr(0, rest.find('|'));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    if (word == text) return value{index};
    listed += (listed.empty() ? "" : rest.empty() ? " or " : ", ") + std::string(word);
  }
  const std::string near = closest(text, row.choices);
  return complaint{
      quoted(text) + " is not possible here",
      near.empty() ? "write " + listed : "did you mean " + quoted(near) + "?"};
}

/// Whether `c` is in `charset`, written as in a regular expression: `a-z0-9_-`.
bool in_charset(char c, std::string_view charset) {
  for (std::size_t i = 0; i < charset.size(); ++i) {
    if (i + 2 < charset.size() && charset[i + 1] == '-') {
      if (charset[i] <= c && c <= charset[i + 2]) return true;
      i += 2;
    } else if (charset[i] == c) {
      return true;
    }
  }
  return false;
}

std::optional<complaint> check_text(const field& row, const std::string& text) {
  if (text.empty()) return complaint{"the text is empty", ""};
  if (!row.high.empty() && text.size() > *parse_integer(row.high)) {
    return complaint{
        quoted(text) + " has " + std::to_string(text.size()) + " bytes",
        "at most " + std::string(row.high)};
  }
  const auto bad = std::find_if(text.begin(), text.end(), [&](char c) {
    return !row.charset.empty() && !in_charset(c, row.charset);
  });
  if (bad == text.end()) return std::nullopt;
  return complaint{
      quoted(text) + " contains a character that is not allowed",
      "allowed are [" + std::string(row.charset) + "]"};
}

std::optional<complaint> check_address(const field& row, const address& given) {
  if (row.name != "advertise") return std::nullopt;
  if (given.host.empty() || given.host == "::" || given.host == "0.0.0.0") {
    return complaint{to_string(given) + " names no host that others can dial", "write host:port"};
  }
  if (given.port == 0) return complaint{"port 0 cannot be dialled", "write a port from 1 to 65535"};
  return std::nullopt;
}

std::string range_hint(const field& row) {
  return "write a value from " + std::string(row.low) + " to " + std::string(row.high);
}

std::optional<complaint> check_range(const field& row, std::string_view text, const value& given) {
  if (row.type == kind::text) return check_text(row, std::get<std::string>(given));
  if (row.type == kind::address) return check_address(row, std::get<address>(given));
  if (!row.low.empty() && given < *parse_value(row, row.low)) {
    return complaint{quoted(text) + " is too small", range_hint(row)};
  }
  if (!row.high.empty() && *parse_value(row, row.high) < given) {
    return complaint{quoted(text) + " is too large", range_hint(row)};
  }
  return std::nullopt;
}

}  // namespace

parsed<value> parse_value(const field& row, std::string_view text) {
  if (row.word == special::automatic && text == "auto") return value{};
  switch (row.type) {
    case kind::boolean:
      return as_value(parse_boolean(text));
    case kind::integer:
      return as_value(parse_integer(text));
    case kind::number:
      return as_value(parse_number(text));
    case kind::ratio:
      return as_value(parse_ratio(text));
    case kind::duration:
      return as_value(parse_duration(text));
    case kind::size:
      return as_value(parse_size(text));
    case kind::address:
      return as_value(parse_address(text));
    case kind::choice:
      return parse_choice(row, text);
    default:
      return value{std::string(text)};
  }
}

parsed<value> decode_text(const field& row, std::string_view text) {
  auto given = parse_value(row, text);
  if (!given) {
    complaint bad = given.error();
    if (bad.hint.empty() && !row.low.empty()) bad.hint = range_hint(row);
    return bad;
  }
  if (std::holds_alternative<std::monostate>(*given)) return given;
  if (auto bad = check_range(row, text, *given)) return *std::move(bad);
  if (row.rule == nullptr) return given;
  if (auto bad = row.rule(*given)) return *std::move(bad);
  return given;
}

}  // namespace weir::config
