#pragma once

#include "postgres/pg_server.hpp"

#include <weir/engine/data_source.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

namespace weir {

/// So many connections to one server at most, made when they are needed. Thread-safe: a connection
/// works on the loop of whoever has it.
class pg_pool : public std::enable_shared_from_this<pg_pool> {
 public:
  static constexpr std::size_t max_waiting = 4096;

  pg_pool(pg_server server, std::size_t places) : server_(std::move(server)), places_(places) {
    idle_.reserve(places);
  }

  /// The right to use one connection, until its end.
  class place {
   public:
    explicit place(std::shared_ptr<pg_pool> of) : of_(std::move(of)) {}

    ~place();

    place(const place&) = delete;
    place& operator=(const place&) = delete;

    /// Null when there is none, or none that is alive.
    pg_connection* get() noexcept { return held_.get(); }

    /// Makes a new connection in the place of the former one.
    asio::awaitable<std::optional<pg_fault>> async_connect(pg_connection::time_point deadline);

    /// Closes the connection, which is of no use any more.
    void drop() noexcept { held_.reset(); }

   private:
    friend class pg_pool;

    const std::shared_ptr<pg_pool> of_;
    std::unique_ptr<pg_connection> held_;
    bool is_granted_ = false;
  };

  /// Waits for a place in the order of asking. Fails with errc::overloaded, at the deadline and when
  /// too many wait.
  asio::awaitable<result<std::unique_ptr<place>>> async_take(pg_connection::time_point deadline);

  const pg_server& server() const noexcept { return server_; }

 private:
  struct waiter;

  void leave(place& of) noexcept;

  const pg_server server_;
  const std::size_t places_;
  std::mutex mutex_;  // guards the following
  std::size_t in_use_ = 0;
  std::vector<std::unique_ptr<pg_connection>> idle_;  // the most recently used at the back
  std::deque<std::shared_ptr<waiter>> waiting_;
};

}  // namespace weir
