#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <charconv>
#include <string>

namespace weir::test {

/// The endpoint of `address:port`; port 0 where none is named. Throws for what is no address.
inline boost::asio::ip::tcp::endpoint endpoint_of(const std::string& text) {
  const auto colon = text.rfind(':');
  std::uint16_t port = 0;
  if (colon != std::string::npos) {
    std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  }
  return {boost::asio::ip::make_address(text.substr(0, colon)), port};
}

}  // namespace weir::test
