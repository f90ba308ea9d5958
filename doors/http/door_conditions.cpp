#include "http/door_conditions.hpp"

#include <weir/transport/http_target.hpp>
#include <weir/transport/text.hpp>

#include <algorithm>

namespace weir {
namespace {

/// One entity tag at the front of a list (RFC 9110, 8.8.3).
struct entity_tag {
  bool is_weak = false;
  std::string_view opaque;  ///< without quotes
};

/// Takes one tag off the front of `list`; nullopt when there is none.
std::optional<entity_tag> take_tag(std::string_view& list) noexcept {
  entity_tag tag;
  if (list.starts_with("W/")) {
    tag.is_weak = true;
    list.remove_prefix(2);
  }
  if (!list.starts_with('"')) return std::nullopt;
  const auto end = list.find('"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  tag.opaque = list.substr(1, end - 1);
  const auto is_etagc = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0x21 || (byte >= 0x23 && byte <= 0x7e) || byte >= 0x80;
  };
  if (!std::all_of(tag.opaque.begin(), tag.opaque.end(), is_etagc)) return std::nullopt;
  list.remove_prefix(end + 1);
  return tag;
}

void skip_separators(std::string_view& list) noexcept {
  list.remove_prefix(std::min(list.find_first_not_of(" \t,"), list.size()));
}

/// The value of the field if it stands there once.
std::optional<std::string_view> only_field(
    const http_request& request, std::string_view name, std::optional<door_refusal>& refused
) {
  std::optional<std::string_view> found;
  for (const auto& field : request.fields) {
    if (!http_name_equal(field.name, name)) continue;
    if (found) refused = {errc::bad_request, std::string(name) + " stands there twice; send one"};
    found = field.value;
  }
  return found;
}

}  // namespace

bool none_match_names(std::string_view field, version current) noexcept {
  if (field == "*") return true;
  skip_separators(field);
  while (!field.empty()) {
    const auto tag = take_tag(field);
    if (!tag) return false;
    if (current && parse_version(tag->opaque) == current) return true;
    skip_separators(field);
  }
  return false;
}

bool match_names(std::string_view field, version current) noexcept {
  if (field == "*") return true;
  skip_separators(field);
  while (!field.empty()) {
    const auto tag = take_tag(field);
    if (!tag) return false;
    if (!tag->is_weak && current && parse_version(tag->opaque) == current) return true;
    skip_separators(field);
  }
  return false;
}

std::optional<door_refusal> read_condition(const http_request& request, precondition& out) {
  std::optional<door_refusal> refused;
  const auto match = only_field(request, "If-Match", refused);
  const auto none_match = only_field(request, "If-None-Match", refused);
  if (refused) return refused;
  if (match && none_match) {
    return door_refusal{errc::bad_request, "send If-Match or If-None-Match, not both"};
  }
  if (none_match) {
    if (*none_match != "*") {
      return door_refusal{
          errc::bad_request, "a change takes only `If-None-Match: *`, the key must be absent"};
    }
    out = precondition::if_absent();
  }
  if (!match) return std::nullopt;
  auto rest = *match;
  if (rest == "*") {
    return door_refusal{
        errc::bad_request,
        "If-Match: * is not known here: leave it out, or send one version, as an ETag gave it"};
  }
  const auto tag = take_tag(rest);
  if (!tag || !rest.empty()) {
    return door_refusal{
        errc::bad_request, "If-Match must be one version in double quotes, as an ETag gave it"};
  }
  const auto since = parse_version(tag->opaque);
  if (tag->is_weak || !since || to_string(*since) != tag->opaque) {
    return door_refusal{errc::conflict, "If-Match names a version that no weir gave"};
  }
  out = precondition::if_unchanged(*since);
  return std::nullopt;
}

std::optional<door_refusal> read_ttl(std::string_view query, std::optional<timespan>& out) {
  const auto text = query_parameter(query, "ttl");
  if (!text) return std::nullopt;
  const auto ttl = parse_duration(*text);
  if (!ttl || *ttl <= milliseconds(0) || *ttl > max_ttl) {
    return door_refusal{errc::bad_request, "ttl must be 1ms to 30d with a unit, like 30s or 1h30m"};
  }
  out = *ttl;
  return std::nullopt;
}

}  // namespace weir
