#pragma once

#include <weir/engine/bytes.hpp>
#include <weir/engine/errc.hpp>
#include <weir/engine/result.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value_from.hpp>
#include <boost/json/value_to.hpp>

#include <string>
#include <string_view>

namespace weir {

/// Values as JSON, by Boost.JSON: needs tag_invoke overloads for value_from and value_to, or a
/// type that Boost.JSON knows. Fails with errc::bad_request and its words. Link Boost::json.
struct json_codec {
  template <class Value>
  result<bytes> encode(const Value& value) const {
    return bytes(std::string_view(boost::json::serialize(boost::json::value_from(value))));
  }

  template <class Value>
  result<Value> decode(std::string_view text) const {
    boost::system::error_code failed;
    const auto parsed = boost::json::parse(text, failed);
    if (failed) return error(errc::bad_request, error_context{.remark = failed.message()});
    auto value = boost::json::try_value_to<Value>(parsed);
    if (value) return std::move(*value);
    return error(errc::bad_request, error_context{.remark = value.error().message()});
  }
};

}  // namespace weir
