#pragma once

#include <boost/json/value.hpp>

#include <string>

namespace weir::config {

/// `given` as JSON with two spaces of indentation, short arrays and objects on one line, and a
/// newline at the end.
std::string json_text(const boost::json::value& given);

}  // namespace weir::config
