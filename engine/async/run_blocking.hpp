#pragma once

#include "async/await.hpp"

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <utility>

namespace weir {

/// The blocking twin of an awaitable: runs it on an event loop and waits on the calling thread, as
/// block_on().
template <class T>
result<T> run_blocking(environment& env, asio::awaitable<result<T>> work) {
  auto start = [&](completion<result<T>> done) {
    auto ended = [done =
                      std::move(done)](const std::exception_ptr& thrown, result<T> answer) mutable {
      if (thrown) answer = errc::overloaded;
      std::move(done)(std::move(answer));
    };
    asio::co_spawn(env.executor(), std::move(work), std::move(ended));
  };
  return block_on<T>(env, start);
}

}  // namespace weir
