#pragma once

#include <weir/transport/resp_connection.hpp>

#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <mutex>

namespace weir {

/// A call between the one who waits for it, on its own loop, and the connection on another.
///
/// Held by both. The waiter may go at any time, its loop with it: nothing of that loop is kept here
/// without the lock.
class resp_call : public std::enable_shared_from_this<resp_call> {
 public:
  using time_point = resp_connection::time_point;

  explicit resp_call(std::shared_ptr<const resp_commands> commands)
      : commands_(std::move(commands)) {}

  const std::string& text() const noexcept { return commands_->text(); }

  /// One side: suspends until the end, or the deadline. Once.
  static asio::awaitable<resp_outcome> async_wait(
      std::shared_ptr<resp_call> self, time_point deadline
  );

  /// The other side: false if nobody waits any more, so that it need not be sent.
  bool begin_sending(time_point now);

  time_point sent_at() const noexcept { return sent_at_; }

  /// Takes the next answer; true if it was the last one, which ends the call.
  bool answer(resp_value value);
  void fail(resp_fault fault);

 private:
  class waiting;
  void finish();

  const std::shared_ptr<const resp_commands> commands_;
  time_point sent_at_;  // the connection's
  std::mutex mutex_;    // guards the following
  resp_outcome outcome_;
  std::size_t answered_ = 0;
  bool was_sent_ = false;
  bool is_over_ = false;
  boost::asio::steady_timer* timer_ = nullptr;  // of who waits
};

}  // namespace weir
