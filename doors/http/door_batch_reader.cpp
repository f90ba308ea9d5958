#include "http/door_batch.hpp"

#include <weir/engine/limits.hpp>
#include <weir/transport/text.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace weir {
namespace {

namespace json = boost::json;

door_refusal bad(std::string detail) {
  return {errc::bad_request, std::move(detail)};
}

std::size_t colons_outside_strings(std::string_view json_text) noexcept {
  std::size_t count = 0;
  bool is_inside = false;
  for (std::size_t i = 0; i < json_text.size(); ++i) {
    if (json_text[i] == '"') is_inside = !is_inside;
    if (is_inside && json_text[i] == '\\') ++i;
    if (!is_inside && json_text[i] == ':') ++count;
  }
  return count;
}

std::optional<door_refusal> read_keys(const json::value& from, door_batch& out) {
  const auto* list = from.if_array();
  if (list == nullptr) return bad("the keys must be a JSON array of strings");
  if (list->size() > max_batch_keys) {
    return door_refusal{
        errc::too_large,
        std::to_string(list->size()) + " keys, at most " + std::to_string(max_batch_keys) +
            " at once; send several"};
  }
  out.keys.reserve(list->size());
  for (const auto& each : *list) {
    const auto* text = each.if_string();
    if (text == nullptr) {
      return bad("key " + std::to_string(out.keys.size()) + " of the array is no string");
    }
    const std::string_view view(text->data(), text->size());
    if (!out.is_base64) {
      out.keys.emplace_back(view);
    } else if (auto decoded = decode_base64(view)) {
      out.keys.push_back(std::move(*decoded));
    } else {
      return bad("key " + std::to_string(out.keys.size()) + " of the array is no padded base64");
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<door_refusal> read_batch(std::string_view body, batch_form form, door_batch& out) {
  json::parse_options strict;
  strict.max_depth = 4;
  json::error_code error;
  const auto parsed = json::parse(json::string_view(body.data(), body.size()), error, {}, strict);
  if (error) return bad("the body is not JSON: " + error.message());
  const auto* object = parsed.if_object();
  const bool may_be_all = form == batch_form::keys_or_all;
  // The parser keeps the last of two members of one name: each has a colon of its own.
  if (object == nullptr || object->size() != 1 || colons_outside_strings(body) != 1) {
    return bad(
        std::string("the body must be an object with one member, like {\"keys\": [\"a\"]}") +
        (may_be_all ? " or {\"all\": true}" : "")
    );
  }
  const auto& member = *object->begin();
  const std::string_view name(member.key().data(), member.key().size());
  if (name == "keys" || name == "keys_base64") {
    out.is_base64 = name == "keys_base64";
    return read_keys(member.value(), out);
  }
  if (name != "all" || !may_be_all) {
    return bad(
        "unknown member \"" + std::string(name.substr(0, 64)) + "\"; use keys or keys_base64" +
        (may_be_all ? ", or {\"all\": true}" : "")
    );
  }
  if (!member.value().is_bool() || !member.value().get_bool()) {
    return bad("\"all\" must be true");
  }
  out.is_all = true;
  return std::nullopt;
}

}  // namespace weir
