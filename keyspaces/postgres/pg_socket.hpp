#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <chrono>
#include <memory>

namespace weir {

/// Waits until the socket of a libpq connection is ready, or a deadline has passed.
///
/// The socket belongs to libpq, which may close it at any call and open another one: it is watched
/// only from watch() to leave(), with no call of libpq that may connect in between. To be used on
/// the executor of one event loop.
class pg_socket {
 public:
  using wait_type = boost::asio::posix::stream_descriptor::wait_type;

  pg_socket(
      const boost::asio::any_io_executor& executor, std::chrono::steady_clock::time_point deadline
  );
  ~pg_socket();

  pg_socket(const pg_socket&) = delete;
  pg_socket& operator=(const pg_socket&) = delete;

  /// False when the system does not take it.
  bool watch(int descriptor);
  void leave() noexcept;

  /// False when the deadline has passed.
  boost::asio::awaitable<bool> async_wait(wait_type what);

 private:
  struct state;
  const std::shared_ptr<state> state_;
};

}  // namespace weir
