#pragma once

#include <weir/engine/environment.hpp>
#include <weir/engine/result.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <utility>

namespace weir {

/// One call on the worker pool. The awaiting coroutine gets its answer, or hears that the pool
/// dropped it; always by way of its executor, as the pool may drop a call while it is being handed
/// over.
template <class Answer, class Work>
class pool_call {
 public:
  pool_call(Work work, asio::any_io_executor executor, completion<result<Answer>> done)
      : work_(std::move(work)),
        executor_(asio::prefer(std::move(executor), asio::execution::outstanding_work.tracked)),
        done_(std::move(done)) {}

  pool_call(pool_call&&) noexcept = default;
  pool_call& operator=(pool_call&&) = delete;

  ~pool_call() {
    if (done_) answer(error(errc::overloaded, {.detail = "the worker pool is full"}));
  }

  void operator()() { answer(work_()); }

 private:
  void answer(result<Answer> with) {
    auto resume = [done = std::move(done_), with = std::move(with)]() mutable {
      std::move(done)(std::move(with));
    };
    asio::post(executor_, std::move(resume));
  }

  Work work_;
  asio::any_io_executor executor_;
  completion<result<Answer>> done_;
};

/// Runs `work`, which returns a result<Answer>, on the worker pool; errc::overloaded when it is
/// full.
template <class Answer, class Work>
asio::awaitable<result<Answer>> on_pool(environment& env, Work work) {
  auto initiate = [&env, &work](auto handler) {
    const asio::any_io_executor executor = asio::get_associated_executor(handler);
    completion<result<Answer>> done(std::move(handler));
    pool_call<Answer, Work> call(std::move(work), executor, std::move(done));
    // A refused call is destroyed and says so itself.
    [[maybe_unused]] const auto refused = env.run_blocking(std::move(call));
  };
  auto token = asio::use_awaitable;
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(result<Answer>)>(
      initiate, token
  );
}

}  // namespace weir
