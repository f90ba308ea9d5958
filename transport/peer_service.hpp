#pragma once

#include "peer_connection.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace weir {

/// The accepting end of a connection: answers requests, at once where the handler can.
class peer_service final : public peer_connection {
 public:
  peer_service(
      std::shared_ptr<peer_core> core, net_stream socket, const asio::ip::tcp::endpoint& remote
  );

  /// The address that is counted for limits; empty = exempt.
  const std::string& remote_address() const noexcept { return remote_address_; }

  std::pair<std::string, std::string> place() const override;

 private:
  class pending_reply;

  void on_up() override;
  peer_fault on_message(const frame_message& message) override;
  bool may_read() override;
  void on_closed(const connection_end& why) override;

  void answer(std::uint64_t id, const peer_reply& reply);

  /// Gives its address back to a peer that nobody named, if it came from there.
  void look_up(std::string claimed);
  void looked_up(const std::string& claimed, const std::vector<asio::ip::tcp::endpoint>& found);

  const asio::ip::tcp::endpoint remote_;
  std::string remote_address_;
  peer_request request_;  // the one being handled; keeps its memory for the next
  boost::unordered_flat_set<std::uint64_t> in_service_;  // guarded by mutex_
  // Those that only wait for news of a change, up to seconds each: they must not stop the reading
  // of heartbeats. Guarded by mutex_.
  boost::unordered_flat_set<std::uint64_t> waiting_;
  bool was_up_ = false;
};

}  // namespace weir
