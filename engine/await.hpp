#pragma once

#include <weir/engine/environment.hpp>
#include <weir/engine/result.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

namespace weir {

/// Awaits a function that reports through a completion: `co_await await_result<T>(start)` calls
/// `start(completion<result<T>>)` and resumes on the awaiting coroutine's executor.
///
/// Cancelling the coroutine ends the wait with operation_aborted; what was started goes on alone.
template <class T, class Start>
asio::awaitable<result<T>> await_result(Start start) {
  auto initiate = [&start](auto handler) {
    const auto executor = asio::get_associated_executor(handler);
    auto slot = asio::get_associated_cancellation_slot(handler);
    using handler_type = decltype(handler);
    const auto resume = [executor](handler_type to, result<T> with) {
      auto call = [to = std::move(to), with = std::move(with)]() mutable {
        std::move(to)(std::move(with));
      };
      asio::dispatch(executor, std::move(call));
    };
    if (!slot.is_connected()) {
      start(completion<result<T>>([resume, handler = std::move(handler)](result<T> with) mutable {
        resume(std::move(handler), std::move(with));
      }));
      return;
    }
    // Answer and cancellation may race on two threads: the first takes the handler.
    struct shared {
      explicit shared(handler_type from) : handler(std::move(from)) {}
      std::mutex mutex;
      std::optional<handler_type> handler;
    };
    const auto state = std::make_shared<shared>(std::move(handler));
    const auto finish = [state, resume](result<T> with) {
      std::unique_lock lock(state->mutex);
      if (!state->handler) return;
      handler_type taken = std::move(*state->handler);
      state->handler.reset();
      lock.unlock();
      resume(std::move(taken), std::move(with));
    };
    slot.assign([finish](asio::cancellation_type) {
      finish(error_code(asio::error::operation_aborted));
    });
    start(completion<result<T>>(finish));
  };
  auto token = asio::use_awaitable;
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(result<T>)>(
      initiate, token
  );
}

/// Waits on the calling thread for the same kind of function. Throws std::logic_error on an event
/// loop.
template <class T, class Start>
result<T> block_on(environment& env, Start start) {
  if (env.on_event_loop()) {
    throw std::logic_error(
        "weir: a blocking call on a thread that runs an event loop; co_await the async_ twin there"
    );
  }

  struct shared {
    std::mutex mutex;
    std::condition_variable ready;
    std::optional<result<T>> answer;
  };

  const auto state = std::make_shared<shared>();
  env.begin_wait();
  start(completion<result<T>>([state](result<T> answer) {
    const std::lock_guard lock(state->mutex);
    state->answer.emplace(std::move(answer));
    state->ready.notify_one();
  }));
  std::unique_lock lock(state->mutex);
  state->ready.wait(lock, [&] { return state->answer.has_value(); });
  lock.unlock();
  env.end_wait();
  return std::move(*state->answer);
}

}  // namespace weir
