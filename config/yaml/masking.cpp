#include "yaml/masking.hpp"

#include "text/text.hpp"

#include <algorithm>
#include <array>

namespace weir::config {
namespace {

constexpr std::size_t most_lines_above = 1000;
constexpr std::string_view spaces = " \t";

std::size_t indentation(std::string_view line) {
  return std::min(line.find_first_not_of(" -"), line.size());
}

/// The name in front of the colon at `colon`: "secret" of `  - {name: a, "secret"`.
std::string_view name_before(std::string_view line, std::size_t colon) {
  auto text = line.substr(0, colon);
  text = text.substr(0, text.find_last_not_of(" \t\"'") + 1);
  const auto start = text.find_last_of(" \t\"',{[");
  return text.substr(start == text.npos ? 0 : start + 1);
}

/// Where the value that begins at `begin` ends: a quoted one behind its quote, a flow map or list at
/// its bracket (it names where the secret is), a plain one at the next comma or bracket of a flow.
std::size_t end_of_value(std::string_view line, std::size_t begin) {
  const char first = line[begin];
  if (first == '"' || first == '\'') {
    std::size_t at = begin + 1;
    while (at < line.size() && line[at] != first) at += line[at] == '\\' && first == '"' ? 2 : 1;
    return std::min(at + 1, line.size());
  }
  const bool is_in_flow = line.substr(0, begin).find_first_of("{[") != line.npos;
  return std::min(is_in_flow ? line.find_first_of(",}]", begin) : line.npos, line.size());
}

/// Whether what stands behind `name:` in a file is hidden: a credential's name, or one slip of the
/// finger away from it, but none of the settings that only sound like one.
bool is_hidden(std::string_view name) {
  constexpr std::array harmless{
      "auth",
      "tokens",
      "key",
      "max_key",
      "keyspace",
      "keyspaces",
      "default_keyspace",
      "token_file"};
  const bool is_harmless =
      std::any_of(harmless.begin(), harmless.end(), [&](const char* each) { return name == each; });
  if (is_harmless) return false;
  return is_credential(name) || !closest(lower(name), "secret|password|token").empty();
}

/// Hides who logs in where a URL says it: what is behind its colon, or all of it, as that may be a
/// token. The user of a database alone is none.
void hide_logins(std::string& shown) {
  constexpr std::string_view slashes = "://";
  for (auto at = shown.find(slashes); at != shown.npos; at = shown.find(slashes, at)) {
    const std::string_view scheme = std::string_view(shown).substr(0, at);
    at += slashes.size();
    const auto end = std::min(shown.find_first_of("/?# \t\"',}]", at), shown.size());
    const auto host = std::string_view(shown).substr(0, end).rfind('@');
    if (host == shown.npos || host < at) continue;
    const auto colon = std::string_view(shown).substr(0, host).find(':', at);
    if (colon == shown.npos && (scheme.ends_with("postgresql") || scheme.ends_with("postgres"))) {
      continue;
    }
    const auto from = colon == shown.npos ? at : colon + 1;
    shown.replace(from, host - from, host - from, '*');
  }
}

/// The last value of `line` under a credential's name goes on below it.
bool leads_into_credential(std::string_view line) {
  const auto colon = line.rfind(':');
  if (colon == line.npos || !is_hidden(name_before(line, colon))) return false;
  const auto rest = line.find_first_not_of(spaces, colon + 1);
  return rest == line.npos || line[rest] == '|' || line[rest] == '>' || line[rest] == '"' ||
         line[rest] == '\'' || line[rest] == '#';
}

/// Whether the line belongs to a credential that begins above it.
bool continues_credential(
    std::string_view line, const std::function<std::string_view(std::size_t)>& above
) {
  const auto own = indentation(line);
  for (std::size_t n = 1; n <= most_lines_above; ++n) {
    const auto before = above(n);
    if (before.empty()) return false;
    if (before.find_first_not_of(spaces) == before.npos || indentation(before) >= own) continue;
    const bool is_map = before.ends_with(':') && line.find(": ") != line.npos;
    return !is_map && leads_into_credential(before);
  }
  return false;
}

}  // namespace

bool is_credential(std::string_view name) {
  const std::string lowered = lower(name);
  constexpr std::array words{"auth", "cookie", "token", "secret", "key", "password", "credential"};
  return std::any_of(words.begin(), words.end(), [&](const char* word) {
    return lowered.find(word) != lowered.npos;
  });
}

std::string masked(
    std::string_view line, const std::function<std::string_view(std::size_t)>& above
) {
  std::string shown(line);
  const auto hide = [&shown](std::size_t from, std::size_t to) {
    std::fill(
        shown.begin() + static_cast<std::ptrdiff_t>(from),
        shown.begin() + static_cast<std::ptrdiff_t>(to),
        '*'
    );
  };
  if (continues_credential(line, above)) hide(indentation(line), line.size());
  for (auto colon = line.find(':'); colon != line.npos; colon = line.find(':', colon + 1)) {
    if (!is_hidden(name_before(line, colon))) continue;
    const auto begin = line.find_first_not_of(spaces, colon + 1);
    if (begin == line.npos || std::string_view("{[|>#").find(line[begin]) != line.npos) continue;
    const auto end = end_of_value(line, begin);
    hide(begin, end);
    colon = end - 1;
  }
  hide_logins(shown);
  return shown;
}

}  // namespace weir::config
