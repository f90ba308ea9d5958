#pragma once

#include "program/node_client.hpp"

#include <boost/json/value.hpp>

#include <string>
#include <string_view>

namespace weir {

// Reading what a node answered, without exceptions: what is missing or of another type reads as
// empty.

/// The document in the body of `answer`; a failure when it is none.
boost::system::result<boost::json::value, command_failure> document_of(
    const node_answer& answer, const node_client& from
);

const boost::json::value& member_of(const boost::json::value& object, std::string_view name);
const boost::json::array& array_of(const boost::json::value& object, std::string_view name);
std::string text_of(const boost::json::value& object, std::string_view name);

/// The member `name`, or the bytes of `name` + "_base64" where there is that one.
std::string data_of(const boost::json::value& object, std::string_view name);
double number_of(const boost::json::value& object, std::string_view name);
bool flag_of(const boost::json::value& object, std::string_view name);

/// A number without fraction, as text; empty when there is none.
std::string count_of(const boost::json::value& object, std::string_view name);

}  // namespace weir
