#include "program/batch_body.hpp"

#include "utf8.hpp"

#include <weir/transport/text.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>

namespace weir {

std::string batch_body(std::span<const std::string> keys) {
  const bool is_text = std::all_of(keys.begin(), keys.end(), [](const std::string& each) {
    return is_utf8_text(each);
  });
  boost::json::array list;
  for (const auto& each : keys) list.emplace_back(is_text ? each : encode_base64(each));
  boost::json::object body;
  body[is_text ? "keys" : "keys_base64"] = std::move(list);
  return boost::json::serialize(body);
}

}  // namespace weir
