#pragma once

#include <boost/asio/ip/address.hpp>

#include <algorithm>

namespace weir {

/// What counts as one client where connections of an address are counted: an IPv4 address, also
/// when it came mapped into IPv6, or the /64 of an IPv6 one, which a single host has to itself.
inline boost::asio::ip::address client_key(const boost::asio::ip::address& of) {
  namespace ip = boost::asio::ip;
  if (!of.is_v6()) return of;
  const auto v6 = of.to_v6();
  if (v6.is_v4_mapped()) return ip::make_address_v4(ip::v4_mapped, v6);
  if (v6.is_loopback()) return v6;
  auto octets = v6.to_bytes();
  std::fill(octets.begin() + 8, octets.end(), static_cast<unsigned char>(0));
  return ip::address_v6(octets);
}

}  // namespace weir
