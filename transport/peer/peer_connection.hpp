#pragma once

#include "net/net_stream.hpp"
#include "peer/peer_handshake.hpp"
#include "peer/wire/frame_decoder.hpp"
#include "peer/wire/frame_queue.hpp"

#include <weir/transport/peer_link.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace weir {

class peer_core;

/// A sum with one writer at a time, readable from any thread.
class tally {
 public:
  void add(std::uint64_t count) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }

  std::uint64_t get() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Why a connection ended.
struct connection_end {
  link_loss cause = link_loss::reset;
  bool lasting = false;  ///< the other node refused for a reason that does not pass by itself
  std::string text;
  std::string peer = {};  ///< the id that the other node claimed; empty if it did not come so far
};

/// One socket after the Upgrade: handshake, then messages, until close.
///
/// Lives on the loop of its socket. What is to be written gathers in a queue under a lock, from any
/// thread; the loop writes all of it at once. All bytes of one read are handled before anything is
/// written. Kept alive by its own pending operations.
class peer_connection : public std::enable_shared_from_this<peer_connection> {
 public:
  peer_connection(std::shared_ptr<peer_core> core, net_stream socket, peer_side side);
  virtual ~peer_connection() = default;

  /// Begins the handshake; `leftover` are bytes that came behind the Upgrade. On the loop.
  void begin(std::string_view leftover);

  /// Ends the connection, once. On the loop.
  void close(const connection_end& why);

  /// The same from any thread, later.
  void close_soon(connection_end why);

  asio::any_io_executor executor() { return socket_.get_executor(); }

  /// When the last bytes came.
  time_point heard() const noexcept {
    return time_point(time_point::duration(heard_.load(std::memory_order_relaxed)));
  }

  void add_to(peer_link_counters& sum) const;

  /// The other end, as a field of the log: "address" = that this node dialled, "from" = of an
  /// accepted connection.
  virtual std::pair<std::string, std::string> place() const = 0;

 protected:
  /// The handshake is done.
  virtual void on_up() = 0;
  virtual peer_fault on_message(const frame_message& message) = 0;

  /// All bytes of a read are handled.
  virtual void on_batch_end() {}

  /// Whether the next read may begin; asked again after each write and resume().
  virtual bool may_read() = 0;
  virtual void on_closed(const connection_end& why) = 0;

  /// Something was taken off queue_ to be written; under mutex_.
  virtual void on_taken() {}

  /// Call under mutex_ after adding to queue_: wakes the loop unless it is about to write anyway.
  void flush_soon();
  void resume();

  peer_core& core() noexcept { return *core_; }

  bool is_closed() const noexcept { return closed_; }

  std::mutex mutex_;
  frame_queue queue_;          // guarded by mutex_
  bool up_ = false;            // guarded by mutex_
  bool flush_coming_ = false;  // guarded by mutex_

  identity peer_;  // set before up_
  tally messages_in_, messages_out_;

 private:
  void read();
  void on_read(std::size_t size);
  void handle(std::string_view input);
  peer_fault greet(const frame_message& message);
  void tell_conflict(const refusal& told);
  void flush();
  std::size_t room_for(std::uint64_t wanted);
  void wait_for_room();
  void on_written(error_code error);
  void fail(peer_fault fault);
  void watch();
  bool is_stuck(time_point now) const;
  void lose(error_code error);

  std::shared_ptr<peer_connection> self() { return shared_from_this(); }

  static constexpr std::size_t read_size = 64 * 1024;

  std::shared_ptr<peer_core> core_;
  net_stream socket_;
  asio::steady_timer handshake_timer_;
  asio::steady_timer watch_timer_;
  peer_side side_;
  peer_handshake handshake_;
  frame_decoder decoder_;
  std::unique_ptr<char[]> buffer_;
  std::string out_;
  bool greeted_ = false;
  bool closed_ = false;
  bool reading_ = false;
  bool writing_ = false;
  bool waiting_for_room_ = false;
  std::size_t room_ = frame_queue::least_room;  // grows while all of it leaves at once
  std::uint64_t most_unsent_ = 0;               // bytes that the system may still hold back
  bool watching_ = false;
  time_point write_began_;  // or the waiting for room
  std::atomic<time_point::rep> heard_{0};
  tally bytes_in_, bytes_out_;
};

}  // namespace weir
