#pragma once

#include "async/await.hpp"

#include <boost/asio/error.hpp>

#include <atomic>
#include <memory>
#include <utility>

namespace weir {

/// Awaits what `acquire(completion<result<void>>)` grants, at most until `deadline`: then
/// errc::overloaded.
///
/// What is granted too late, or to a coroutine that was cancelled meanwhile, goes back by
/// `release()`, a copy of which may be called after the coroutine's end: it owns what it needs.
template <class Acquire, class Release>
asio::awaitable<result<void>> claim_until(
    environment& env, time_point deadline, Acquire acquire, Release release
) {
  enum { waiting, granted, given_up };

  struct claim {
    std::atomic<int> state{waiting};
    std::atomic<timer_id> timer{0};
    completion<result<void>> done;
  };

  const auto one = std::make_shared<claim>();
  auto start = [&](completion<result<void>> done) {
    one->done = std::move(done);
    one->timer = env.schedule(deadline, [one] {
      int expected = waiting;
      if (one->state.compare_exchange_strong(expected, given_up))
        std::move(one->done)(errc::overloaded);
    });
    auto take = [one, release, &env](result<void> answer) {
      int expected = waiting;
      if (one->state.compare_exchange_strong(expected, granted)) {
        env.cancel(one->timer);
        std::move(one->done)(answer);
      } else if (answer) {
        release();
      }
    };
    acquire(completion<result<void>>(std::move(take)));
  };
  const auto answer = co_await await_result<void>(start);
  const bool is_cancelled = !answer && answer.error() == asio::error::operation_aborted;
  if (is_cancelled && one->state.exchange(given_up) == granted) release();
  co_return answer;
}

}  // namespace weir
