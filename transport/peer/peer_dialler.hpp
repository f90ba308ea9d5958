#pragma once

#include "peer/peer_client.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace weir {

/// Keeps one address connected: dials, and dials again after each loss, until stop().
///
/// Lives on one loop. One attempt at a time: name, TCP connection, Upgrade, then a peer_client has
/// the socket until it is over.
class peer_dialler : public std::enable_shared_from_this<peer_dialler> {
 public:
  peer_dialler(std::shared_ptr<peer_core> core, asio::io_context& loop, std::string address);

  /// From any thread; nothing happens before they return.
  void start();
  void stop();

  /// Ends everything at once. On the loop.
  void stop_now();

  asio::io_context& loop() noexcept { return loop_; }

  const peer_history& history() const noexcept { return *history_; }

 private:
  void dial();
  void give_up_at(asio::steady_timer::time_point when);
  void resolve();
  void connect(std::vector<asio::ip::tcp::endpoint> endpoints, std::size_t next);
  void secure();
  void request_upgrade();
  void read_answer();
  void hand_over(std::string_view leftover);
  void failed(link_loss cause, bool lasting, std::string text, const std::string& peer = {});
  void lost(const error_code& error, std::string_view doing);
  void ended(const connection_end& why, bool was_up);
  void dial_later(bool lasting);

  /// True when the step belongs to an attempt that is over.
  bool is_over(std::uint64_t attempt) const noexcept { return stopped_ || attempt != attempt_; }

  std::shared_ptr<peer_core> core_;
  asio::io_context& loop_;
  std::string address_;
  net_stream socket_;
  asio::steady_timer timer_;              // of the attempt, or until the next one
  std::string exchange_;                  // the Upgrade, then its answer
  asio::steady_timer::time_point began_;  // the attempt
  std::uint64_t attempt_ = 0;
  bool dialling_ = false;
  bool stopped_ = false;
  std::shared_ptr<peer_client> client_;
  const std::shared_ptr<peer_history> history_ = std::make_shared<peer_history>();
  redial_pause pause_;
  std::string last_text_;  // what the log said last about this address
};

}  // namespace weir
