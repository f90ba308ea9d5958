#pragma once

#include "net/reply_share.hpp"
#include "peer/peer_connection.hpp"

#include <boost/asio/ip/address.hpp>
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

  /// The client that limits count this connection for.
  const asio::ip::address& client() const noexcept { return client_; }

  std::pair<std::string, std::string> place() const override;

 private:
  class pending_reply;

  void on_up() override;
  peer_fault on_message(const frame_message& message) override;
  bool may_read() override;
  void on_closed(const connection_end& why) override;
  void on_taken() override;

  /// Under mutex_: whether replies wait here while the memory for them is spent.
  bool is_pressed() const noexcept;
  void answer(std::uint64_t id, const peer_reply& reply);
  void tell_loading(std::uint64_t id, std::uint64_t view_digest);

  /// Gives its address back to a peer that was not named by discovery or a member, if the
  /// connection came from there.
  void look_up(std::string claimed);
  void looked_up(const std::string& claimed, const std::vector<asio::ip::tcp::endpoint>& found);

  const asio::ip::tcp::endpoint remote_;
  const asio::ip::address client_;
  peer_request request_;  // the one being handled; keeps its memory for the next
  boost::unordered_flat_set<std::uint64_t> in_service_;  // guarded by mutex_
  // Those that only wait for news of a change, up to seconds each: they must not stop the reading
  // of heartbeats. Guarded by mutex_.
  boost::unordered_flat_set<std::uint64_t> waiting_;
  reply_share share_;  // of what waits in queue_; guarded by mutex_
};

}  // namespace weir
