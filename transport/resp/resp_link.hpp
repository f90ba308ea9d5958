#pragma once

#include "net/net_dialler.hpp"
#include "resp/resp_call.hpp"

#include <atomic>
#include <deque>
#include <memory>

namespace weir {

/// A resp_connection over TCP or TLS. But for what is said to be from any thread, all of it runs on
/// its executor; it is held by what runs there.
class resp_link final : public resp_connection, public std::enable_shared_from_this<resp_link> {
 public:
  resp_link(const asio::any_io_executor& executor, resp_connection_options options);

  void close() override;

  bool is_over() const noexcept override { return is_over_.load(std::memory_order_acquire); }

  bool is_greeted() const noexcept override { return is_greeted_.load(std::memory_order_acquire); }

  const asio::any_io_executor& executor() const noexcept override { return executor_; }

  /// A call that begins, and one whose time is over: where nothing came since it was sent, nothing
  /// will. From any thread.
  void add(std::shared_ptr<resp_call> made);
  void leave(std::shared_ptr<resp_call> late);

  /// Connects and reads until it is over.
  static asio::awaitable<void> run(std::shared_ptr<resp_link> self);

 private:
  using call = std::shared_ptr<resp_call>;

  asio::awaitable<std::optional<resp_fault>> connect();
  asio::awaitable<std::optional<resp_fault>> greet();
  asio::awaitable<resp_fault> read_all();
  asio::awaitable<std::optional<resp_fault>> read_some();
  std::optional<resp_fault> take(resp_value value);
  void take_over(const call& made);
  void drop(const call& late);
  void flush();
  void fail(const resp_fault& fault);

  const asio::any_io_executor executor_;
  const resp_connection_options options_;
  const time_point connect_until_;
  net_dialler dialler_;
  net_stream stream_;
  resp_parser parser_;
  std::vector<char> buffer_;
  std::vector<resp_value> greeted_;  // answers to the greeting
  std::deque<call> waiting_;         // not sent
  std::deque<call> sent_;            // not answered
  std::vector<call> sending_;        // whose bytes are being written
  std::string joined_;               // those bytes, unless they are one long call
  time_point last_heard_;
  std::atomic<bool> is_greeted_ = false;
  std::atomic<bool> is_over_ = false;
};

}  // namespace weir
