#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/error.hpp>

#include <boost/system/result.hpp>

namespace boost::asio {}

namespace weir WEIR_API {

namespace asio = boost::asio;
using boost::system::error_code;

/// A value or the error that took its place; `.value()` throws operation_error, which is a
/// boost::system::system_error.
template <class T>
using result = boost::system::result<T, error>;

}  // namespace weir
