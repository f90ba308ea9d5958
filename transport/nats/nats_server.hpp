#pragma once

#include <weir/transport/host_port.hpp>

#include <string>
#include <string_view>

namespace weir {

/// One server as a client dials it.
struct nats_server {
  host_port where;
  bool needs_tls = false;  ///< tls://: a server without TLS is left
  std::string tls_name;    ///< that its certificate must have

  friend bool operator==(const nats_server&, const nats_server&) = default;
};

/// Reads "nats://host:4222", "tls://host:4222" and "host:4222"; without a port it is 4222.
/// Fails with errc::bad_request on any other scheme, user names and paths.
result<nats_server> parse_nats_server(std::string_view text);

/// The words of CONNECT, a subject and credentials as in the options of the client.
struct nats_connect {
  std::string_view name, user, password, token;
};

/// "CONNECT {...}\r\n"
std::string write_nats_connect(const nats_connect& words);

}  // namespace weir
