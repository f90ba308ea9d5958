#pragma once

#include <weir/engine/errc.hpp>

#include <boost/system/result.hpp>

namespace boost::asio {}

namespace weir {

namespace asio = boost::asio;
using boost::system::error_code;

/// A value or the error that took its place; `.value()` throws boost::system::system_error.
template <class T>
using result = boost::system::result<T>;

}  // namespace weir
