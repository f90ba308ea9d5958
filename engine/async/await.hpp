#pragma once

#include <weir/engine/environment.hpp>
#include <weir/engine/result.hpp>

#include <boost/asio/associated_cancellation_slot.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

namespace weir {

/// How many coroutines the calling thread is resuming, one from within the other.
inline constinit thread_local unsigned nested_resumes = 0;

/// What await_result() waits for: an answer, which may come from any thread, also before the wait.
///
/// Stack: an answer that comes while the function that gives it still runs is returned without
/// suspending; one that comes later resumes the coroutine at once, but never more than a few from
/// within one another: what would be deeper takes its turn on the executor.
template <class T>
class awaited_answer {
 public:
  void give(result<T> answer) {
    waiting now;
    {
      const std::lock_guard lock(mutex_);
      if (is_over_) return;
      is_over_ = true;
      if (!waiter_.handler) {
        answer_.emplace(std::move(answer));
        return;
      }
      now = std::move(waiter_);
    }
    resume(std::move(now), std::move(answer));
  }

  bool is_given() const {
    const std::lock_guard lock(mutex_);
    return is_over_;
  }

  /// Once, and only if is_given() before the wait began.
  result<T> take() { return std::move(*answer_); }

  /// Resumes the handler when the answer comes; by way of its executor if it is there already.
  template <class Handler>
  void wait(Handler handler) {
    const asio::any_io_executor executor = asio::get_associated_executor(handler);
    waiting later{completion<result<T>>(std::move(handler)), executor};
    {
      const std::lock_guard lock(mutex_);
      if (!is_over_) {
        waiter_ = std::move(later);
        return;
      }
    }
    asio::post(executor, call_of(std::move(later), take()));
  }

 private:
  static constexpr unsigned max_nested = 8;

  struct waiting {
    completion<result<T>> handler;
    asio::any_io_executor executor;
  };

  static auto call_of(waiting waiter, result<T> answer) {
    return [handler = std::move(waiter.handler), answer = std::move(answer)]() mutable {
      std::move(handler)(std::move(answer));
    };
  }

  static void resume(waiting waiter, result<T> answer) {
    const auto executor = waiter.executor;
    auto call = call_of(std::move(waiter), std::move(answer));
    if (nested_resumes == max_nested) return asio::post(executor, std::move(call));

    struct one_deeper {
      one_deeper() { ++nested_resumes; }

      ~one_deeper() { --nested_resumes; }
    } const deeper;

    asio::dispatch(executor, std::move(call));
  }

  mutable std::mutex mutex_;
  bool is_over_ = false;
  std::optional<result<T>> answer_;
  waiting waiter_;
};

/// The wait for an answer that is not given yet. Takes `state`, which will own the frame that waits
/// and so must not be owned by it; others must keep it.
template <class T>
auto answer_to(std::shared_ptr<awaited_answer<T>>& state) {
  auto initiate = [&state](auto handler) {
    const auto kept = std::move(state);
    if (auto slot = asio::get_associated_cancellation_slot(handler); slot.is_connected()) {
      slot.assign([weak = std::weak_ptr(kept)](asio::cancellation_type) {
        if (const auto waited = weak.lock())
          waited->give(error_code(asio::error::operation_aborted));
      });
    }
    kept->wait(std::move(handler));
  };
  auto token = asio::use_awaitable;
  return asio::async_initiate<const asio::use_awaitable_t<>, void(result<T>)>(initiate, token);
}

/// Awaits a function that reports through a completion: `co_await await_result<T>(start)` calls
/// `start(completion<result<T>>)` and continues on the awaiting coroutine's executor, at once if
/// the answer is there when `start` returns.
///
/// Cancelling the coroutine ends the wait with operation_aborted; what was started goes on alone.
template <class T, class Start>
asio::awaitable<result<T>> await_result(Start start) {
  auto state = std::make_shared<awaited_answer<T>>();
  start(completion<result<T>>([state](result<T> with) { state->give(std::move(with)); }));
  if (state->is_given()) co_return state->take();
  co_return co_await answer_to(state);
}

/// Waits on the calling thread for the same kind of function. Throws std::logic_error on an event
/// loop. In a process that was forked off, errc::unavailable: the threads stayed behind.
template <class T, class Start>
result<T> block_on(environment& env, Start start) {
  if (env.on_event_loop()) {
    throw std::logic_error(
        "weir: a blocking call on a thread that runs an event loop; co_await the async_ twin there"
    );
  }
  if (env.was_forked()) return errc::unavailable;

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
