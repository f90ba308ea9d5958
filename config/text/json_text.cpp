#include "text/json_text.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace weir::config {

namespace {

namespace json = boost::json;

constexpr std::size_t line_width = 100;

std::string lines(const json::value& given, const std::string& indent) {
  std::string flat = json::serialize(given);
  const bool nested = given.is_object() || given.is_array();
  if (!nested || indent.size() + flat.size() < line_width) return flat;
  const std::string deeper = indent + "  ";
  std::string out;
  const auto add = [&](const std::string& item) {
    out += (out.empty() ? "\n" : ",\n") + deeper + item;
  };
  if (given.is_object()) {
    for (const auto& each : given.get_object()) {
      add(json::serialize(json::value(each.key())) + ": " + lines(each.value(), deeper));
    }
    return "{" + out + "\n" + indent + "}";
  }
  for (const auto& each : given.get_array()) add(lines(each, deeper));
  return "[" + out + "\n" + indent + "]";
}

}  // namespace

std::string json_text(const json::value& given) {
  return lines(given, "") + "\n";
}

}  // namespace weir::config
