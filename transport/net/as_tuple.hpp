#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace weir {

/// Awaits an operation of Asio: its error and its values come as a tuple, and nothing is thrown.
inline const boost::asio::as_tuple_t<boost::asio::use_awaitable_t<>> as_tuple{
    boost::asio::use_awaitable};

}  // namespace weir
