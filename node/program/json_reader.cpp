#include "program/json_reader.hpp"

#include <weir/transport/text.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace weir {

namespace json = boost::json;

boost::system::result<json::value, command_failure> document_of(
    const node_answer& answer, const node_client& from
) {
  error_code failed;
  auto document = json::parse(answer.body, failed);
  if (!failed) return document;
  return command_failure{
      exit_code::failure,
      from.server() + " answered something that is not JSON; is it a weir node of this version?",
  };
}

const json::value& member_of(const json::value& object, std::string_view name) {
  static const json::value none;
  const auto* members = object.if_object();
  const auto* found = members != nullptr ? members->if_contains(name) : nullptr;
  return found != nullptr ? *found : none;
}

const json::array& array_of(const json::value& object, std::string_view name) {
  static const json::array none;
  const auto* found = member_of(object, name).if_array();
  return found != nullptr ? *found : none;
}

std::string text_of(const json::value& object, std::string_view name) {
  const auto* found = member_of(object, name).if_string();
  return found != nullptr ? std::string(*found) : std::string();
}

std::string data_of(const json::value& object, std::string_view name) {
  const auto binary = text_of(object, std::string(name) + "_base64");
  return binary.empty() ? text_of(object, name) : decode_base64(binary).value_or("");
}

double number_of(const json::value& object, std::string_view name) {
  const auto& found = member_of(object, name);
  return found.is_number() ? found.to_number<double>() : 0;
}

bool flag_of(const json::value& object, std::string_view name) {
  const auto* found = member_of(object, name).if_bool();
  return found != nullptr && *found;
}

std::string count_of(const json::value& object, std::string_view name) {
  const auto& found = member_of(object, name);
  return found.is_int64() || found.is_uint64() ? json::serialize(found) : std::string();
}

}  // namespace weir
