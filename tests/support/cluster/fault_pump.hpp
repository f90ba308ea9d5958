#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <random>
#include <string>

namespace weir::test {

namespace asio = boost::asio;

/// What one direction of a proxied connection does to the bytes that pass. The default: nothing.
struct toxics {
  std::chrono::milliseconds latency{0};
  std::chrono::milliseconds jitter{0};  ///< 0..jitter more per chunk; the order stays
  std::uint64_t bytes_per_second = 0;   ///< 0 = no cap

  /// Bytes and the end are taken and thrown away: the sender notices nothing. A connection that
  /// lost something is reset when the hole is closed, as its stream has a gap.
  bool black_hole = false;

  bool stops_reading = false;  ///< bytes pile up at the sender

  std::optional<std::uint64_t> reset_after = std::nullopt;  ///< RST after so many bytes from now
  std::optional<std::uint64_t> corrupt_at = std::nullopt;   ///< one bit of that byte from now, once
  std::chrono::milliseconds slow_close{0};                  ///< the end is passed on so much later
};

/// One direction of one proxied connection: reads from one socket, writes to the other, with the
/// toxics in between. Lives on one loop.
class fault_pump {
 public:
  using clock = std::chrono::steady_clock;

  /// `reset` is called when a toxic or a socket ends the whole connection.
  fault_pump(
      asio::ip::tcp::socket& from,
      asio::ip::tcp::socket& to,
      std::mt19937_64& random,
      std::function<void()> reset
  );

  void set(const toxics& now, bool is_paused);

  /// Both run until the end of the stream or until stop().
  asio::awaitable<void> read();
  asio::awaitable<void> write();

  void stop();

  std::uint64_t lost() const noexcept { return lost_; }

 private:
  struct chunk {
    std::string bytes;
    clock::time_point due;
  };

  bool may_read() const;
  asio::awaitable<void> wait_for_change();
  asio::awaitable<void> wait_until(clock::time_point when);
  bool take(std::string bytes);
  asio::awaitable<bool> send(std::string bytes);
  void wake();

  asio::ip::tcp::socket& from_;
  asio::ip::tcp::socket& to_;
  std::mt19937_64& random_;
  std::function<void()> reset_;
  toxics now_;
  bool is_paused_ = false;
  bool has_lost_ = false;
  bool is_at_end_ = false;
  bool is_stopped_ = false;
  std::uint64_t seen_ = 0;  ///< bytes since set()
  std::uint64_t lost_ = 0;
  std::size_t queued_ = 0;
  std::deque<chunk> queue_;
  clock::time_point last_due_{};
  clock::time_point link_free_{};
  asio::steady_timer reader_;
  asio::steady_timer writer_;
};

}  // namespace weir::test
