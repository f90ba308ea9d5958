#pragma once

#include "async/await.hpp"
#include "keyspace/keyspace_core.hpp"

#include <boost/asio/co_spawn.hpp>

namespace weir {

/// Awaits a source call until `deadline`, then gives it up with errc::deadline_exceeded.
///
/// A call that was given up keeps its place in the limiter until it really returns.
template <class T>
asio::awaitable<result<T>> keyspace_core::within_timeout(
    asio::awaitable<result<T>> work, time_point deadline
) {
  struct call {
    std::atomic<bool> is_answered{false};
    std::atomic<timer_id> timer{0};
    completion<result<T>> done;
  };

  auto run = [&](completion<result<T>> done) {
    // Not a local of the frame: `done` owns the frame, which would then own itself if both
    // callbacks are dropped.
    const auto one = std::make_shared<call>();
    const auto self = shared_from_this();
    one->done = std::move(done);
    one->timer = env().schedule(deadline, [one, self] {
      if (one->is_answered.exchange(true)) return;
      self->limiter_.call_is_stuck();
      std::move(one->done)(errc::deadline_exceeded);
    });
    auto ended = [one, self](const std::exception_ptr& thrown, result<T> answer) {
      if (one->is_answered.exchange(true)) return self->limiter_.call_returned_late();
      self->env().cancel(one->timer);
      self->limiter_.release();
      if (thrown) answer = errc::source_failed;
      std::move(one->done)(std::move(answer));
    };
    asio::co_spawn(env().executor(), std::move(work), std::move(ended));
  };
  co_return co_await await_result<T>(run);
}

}  // namespace weir
