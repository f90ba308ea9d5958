#pragma once

#include <weir/engine/result.hpp>
#include <weir/transport/host_port.hpp>
#include <weir/transport/peer_link.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <vector>

namespace weir {

/// Options of every peer socket: no delay, keep-alive, unacknowledged data has its time limit, and
/// little unsent data in the kernel, so that a ping does not stand behind megabytes.
void set_peer_options(asio::ip::tcp::socket& socket, const peer_link_options& options);

/// What an error of a socket says about the other side: hard evidence (refused, reset), or only
/// that it was not reached.
link_loss loss_of(const error_code& error) noexcept;

/// Finds the endpoints of `target`, at least one, and calls `done` on `loop`; at once for literal
/// addresses and "localhost".
void resolve_endpoints(
    peer_core& core,
    asio::io_context& loop,
    const host_port& target,
    std::function<void(error_code, std::vector<asio::ip::tcp::endpoint>)> done
);

}  // namespace weir
