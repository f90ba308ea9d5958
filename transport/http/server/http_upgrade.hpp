#pragma once

#include "net/net_stream.hpp"

#include <weir/transport/http_server.hpp>

#include <functional>
#include <string>

namespace weir {

/// Takes over a connection after the server has answered 101. `leftover` are bytes that the client
/// sent behind its request; they come before any that the stream will give. `request` is valid
/// during the call only. Runs on the stream's loop; the connection no longer counts in the server's
/// limits and is not closed by drain() or stop().
using http_upgrade_handler =
    std::function<void(net_stream socket, std::string leftover, const http_request& request)>;

/// Makes `server` switch GET requests with `Upgrade: <protocol>` (compared without regard to case).
/// Other protocols are ignored, as RFC 9110 says. One protocol per server; before listen().
void on_upgrade(http_server& server, std::string protocol, http_upgrade_handler handler);

}  // namespace weir
