#include "postgres/pg_pool.hpp"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>

namespace weir {

/// One who waits, on its own loop; `place` is null once it has gone.
struct pg_pool::waiter {
  waiter(const asio::any_io_executor& on, pg_connection::time_point deadline, pg_pool::place* of)
      : executor(on), timer(on, deadline), place(of) {}

  const asio::any_io_executor executor;
  asio::steady_timer timer;
  pg_pool::place* place;  // guarded by the mutex of the pool
};

pg_pool::place::~place() {
  of_->leave(*this);
}

asio::awaitable<std::optional<pg_fault>> pg_pool::place::async_connect(
    pg_connection::time_point deadline
) {
  held_.reset();
  auto made = co_await of_->server_.async_connect(deadline);
  held_ = std::move(made.connection);
  co_return std::move(made.fault);
}

asio::awaitable<result<std::unique_ptr<pg_pool::place>>> pg_pool::async_take(
    pg_connection::time_point deadline
) {
  auto taken = std::make_unique<place>(shared_from_this());
  std::shared_ptr<waiter> turn;
  const auto here = co_await asio::this_coro::executor;
  {
    const std::lock_guard lock(mutex_);
    if (in_use_ < places_) {
      ++in_use_;
      taken->is_granted_ = true;
      if (!idle_.empty()) {
        taken->held_ = std::move(idle_.back());
        idle_.pop_back();
      }
    } else {
      if (waiting_.size() == max_waiting) co_return errc::overloaded;
      turn = std::make_shared<waiter>(here, deadline, taken.get());
      waiting_.push_back(turn);
    }
  }
  if (turn) {
    co_await turn->timer.async_wait(asio::as_tuple(asio::use_awaitable));
    const std::lock_guard lock(mutex_);
    if (!taken->is_granted_) {
      std::erase(waiting_, turn);
      co_return errc::overloaded;
    }
  }
  if (taken->held_ && !taken->held_->is_alive()) taken->drop();
  co_return std::move(taken);
}

void pg_pool::leave(place& of) noexcept {
  std::unique_ptr<pg_connection> spare;
  const std::lock_guard lock(mutex_);
  if (!of.is_granted_) {
    std::erase_if(waiting_, [&](const auto& each) { return each->place == &of; });
    return;
  }
  if (waiting_.empty()) {
    --in_use_;
    if (of.held_) idle_.push_back(std::move(of.held_));
    return;
  }
  const auto next = std::move(waiting_.front());
  waiting_.pop_front();
  next->place->is_granted_ = true;
  next->place->held_ = std::move(of.held_);
  asio::post(next->executor, [next] {
    next->timer.expires_at(asio::steady_timer::time_point::min());
  });
}

}  // namespace weir
