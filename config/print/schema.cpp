#include "table/table.hpp"
#include "text/json_text.hpp"
#include "yaml/scalars.hpp"

#include <weir/config/print.hpp>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include <string>

namespace weir::config {

namespace {

namespace json = boost::json;

json::string text(std::string_view given) {
  return json::string(given);
}

json::object reference(std::string_view definition) {
  return {{"$ref", "#/definitions/" + std::string(definition)}};
}

json::object pattern(std::string_view expression) {
  return {{"type", "string"}, {"pattern", text(expression)}};
}

/// The named forms that rows refer to.
json::object definitions() {
  json::object made;
  made["variable"] = pattern("\\$\\{");
  made["variable"].as_object()["description"] = "Contains ${VAR}, checked after its replacement.";
  json::object zero{{"const", 0}};
  made["duration"] = json::object{
      {"anyOf",
       {zero, pattern("^(0|(?=[0-9])([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$")}}};
  made["size"] = json::object{{"anyOf", {zero, pattern("^(0|[0-9]+([KMGT]i?)?B)$")}}};
  json::object number{{"type", "number"}, {"minimum", 0}, {"maximum", 1}};
  made["ratio"] = json::object{{"anyOf", {number, pattern("^[0-9]+(\\.[0-9]+)?%?$")}}};
  made["address"] = pattern("^([A-Za-z0-9._-]*|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$");
  const auto id = "[" + std::string(name_characters) + "]{1," + std::to_string(max_name) + "}";
  made["peer"] = pattern("^" + id + "=([A-Za-z0-9._-]+|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$");
  json::object env{
      {"type", "object"},
      {"additionalProperties", false},
      {"required", {"env"}},
      {"properties", {{"env", {{"type", "string"}}}}}};
  json::object file{
      {"type", "object"},
      {"additionalProperties", false},
      {"required", {"file"}},
      {"properties", {{"file", {{"type", "string"}}}}}};
  made["secret"] = json::object{{"anyOf", {json::object{{"type", "string"}}, env, file}}};
  return made;
}

json::array words_of(std::string_view choices) {
  json::array words;
  while (!choices.empty()) {
    const std::string_view word = choices.substr(0, choices.find('|'));
    choices.remove_prefix(std::min(choices.size(), word.size() + 1));
    words.push_back(text(word));
  }
  return words;
}

json::object text_schema(const field& row) {
  json::object made{{"type", "string"}};
  if (!row.low.empty()) made["minLength"] = *parse_integer(row.low);
  if (!row.high.empty()) made["maxLength"] = *parse_integer(row.high);
  if (!row.charset.empty()) made["pattern"] = "^[" + std::string(row.charset) + "]*$";
  return made;
}

json::object number_schema(const field& row) {
  json::object made;
  if (row.type == kind::integer) {
    made = {
        {"type", "integer"},
        {"minimum", *parse_integer(row.low)},
        {"maximum", *parse_integer(row.high)}};
  } else {
    made = {
        {"type", "number"},
        {"minimum", *parse_number(row.low)},
        {"maximum", *parse_number(row.high)}};
  }
  return made;
}

json::object map_schema(const shape& rows);

json::object source_schema(const field& row) {
  json::array all;
  for (const auto& each : row.alternatives) {
    json::object made = map_schema(*each.rows);
    json::object type{{"const", text(each.type)}};
    made["title"] = text(each.type);
    made["description"] = text(each.text);
    made["properties"].as_object()["type"] = type;
    json::array required{"type"};
    for (const auto& key : made["required"].as_array()) required.push_back(key);
    made["required"] = required;
    all.push_back(made);
  }
  return {{"oneOf", all}};
}

/// The schema of what `row` holds, without variables and `auto`.
json::object bare_schema(const field& row) {
  switch (row.type) {
    case kind::text:
      return text_schema(row);
    case kind::boolean:
      return {{"type", "boolean"}};
    case kind::integer:
    case kind::number:
      return number_schema(row);
    case kind::ratio:
      return reference("ratio");
    case kind::duration:
      return reference("duration");
    case kind::size:
      return reference("size");
    case kind::address:
      return reference("address");
    case kind::choice:
      return {{"enum", words_of(row.choices)}};
    case kind::group:
      return map_schema(*row.rows);
    case kind::list:
    case kind::tokens:
      return {
          {"type", "array"},
          {"minItems", *parse_integer(row.low)},
          {"maxItems", *parse_integer(row.high)},
          {"items", map_schema(*row.rows)}};
    case kind::source:
      return source_schema(row);
    case kind::peers:
      return {
          {"type", "array"},
          {"minItems", *parse_integer(row.low)},
          {"maxItems", *parse_integer(row.high)},
          {"items", {{"anyOf", {reference("peer"), reference("variable")}}}}};
    case kind::servers:
    case kind::texts:
      return {
          {"type", "array"},
          {"minItems", *parse_integer(row.low)},
          {"maxItems", *parse_integer(row.high)},
          {"items", {{"type", "string"}}}};
    case kind::secret:
      return reference("secret");
    case kind::headers:
      return {
          {"type", "object"},
          {"maxProperties", *parse_integer(row.high)},
          {"additionalProperties", reference("secret")}};
  }
  return {};
}

bool is_scalar(kind type) {
  return type <= kind::choice;
}

json::object field_schema(const field& row) {
  json::object made;
  json::object bare = bare_schema(row);
  if (is_scalar(row.type)) {
    json::array any;
    if (row.word == special::automatic) any.push_back(json::object{{"const", "auto"}});
    any.push_back(bare);
    any.push_back(reference("variable"));
    made["anyOf"] = any;
  } else {
    made = bare;
  }
  std::string description(row.text);
  const bool unit = row.type == kind::duration || row.type == kind::size || row.type == kind::ratio;
  if (unit) description += " From " + std::string(row.low) + " to " + std::string(row.high) + ".";
  made["description"] = text(description);
  if (!row.fallback.empty()) {
    const bool number = row.type == kind::integer && row.fallback != "auto";
    if (number) {
      made["default"] = *parse_integer(row.fallback);
    } else if (row.type == kind::number) {
      made["default"] = *parse_number(row.fallback);
    } else if (row.type == kind::boolean) {
      made["default"] = row.fallback == "true";
    } else {
      made["default"] = text(row.fallback);
    }
  }
  return made;
}

json::object map_schema(const shape& rows) {
  json::object properties;
  json::array required;
  for (const auto& row : rows.fields) {
    if (!rows.has(row)) continue;
    properties[row.name] = field_schema(row);
    if (row.needed == presence::required) required.push_back(text(row.name));
  }
  return {
      {"type", "object"},
      {"additionalProperties", false},
      {"required", required},
      {"properties", properties}};
}

}  // namespace

std::string schema_json() {
  json::object root{
      {"$schema", "http://json-schema.org/draft-07/schema#"},
      {"title", "weir configuration"},
      {"description", "One file of a weir node. docs/configuration.md explains each setting."}};
  for (const auto& each : map_schema(settings_shape())) root[each.key()] = each.value();
  root["definitions"] = definitions();
  return json_text(root);
}

}  // namespace weir::config
