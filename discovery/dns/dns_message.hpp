#pragma once

#include <weir/engine/result.hpp>
#include <weir/transport/dns_client.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace weir {

/// One record of an answer: an address, or for SRV a host and port.
struct dns_record {
  std::string host;     ///< SRV: the target, lower case, without the last dot
  std::string address;  ///< A, AAAA: as a literal
  std::uint16_t port = 0;
  std::uint16_t weight = 0;
  std::uint32_t ttl = 0;  ///< seconds, of the whole chain of aliases that led here
};

struct dns_message {
  std::vector<dns_record> records;  ///< of the type that was asked for, of the name that was asked
  std::vector<dns_record> glue;     ///< addresses of SRV targets that came along, with their host
};

/// Reads a message from a DNS server, which is not trusted: errc::bad_request for one that breaks
/// off, loops, or holds an address that cannot be dialled or a port 0. Records of other names and
/// types are ignored. Takes time linear in its size.
result<dns_message> read_dns_message(std::span<const unsigned char> message, dns_type wanted);

}  // namespace weir
