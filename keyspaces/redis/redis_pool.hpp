#pragma once

#include "redis/redis_server.hpp"

#include <memory>
#include <mutex>
#include <vector>

namespace weir {

/// When a call whose connection ended is made once more, on a new one.
enum class redis_repeat : std::uint8_t {
  when_lost,    ///< a read: nothing is lost by asking twice
  when_unsent,  ///< a write
};

/// A few connections to one server, each shared by many calls and bound to the loop that first
/// wanted it: the caller's own if there is one. Thread-safe.
class redis_pool {
 public:
  redis_pool(redis_server server, resp_limits limits, std::size_t most)
      : server_(std::move(server)), limits_(limits), most_(most) {}

  redis_pool(const redis_pool&) = delete;
  redis_pool& operator=(const redis_pool&) = delete;
  ~redis_pool();

  const redis_server& server() const noexcept { return server_; }

  asio::awaitable<resp_outcome> async_call(
      resp_commands commands, resp_connection::time_point deadline, redis_repeat how
  );

 private:
  struct picked {
    std::weak_ptr<resp_connection> connection;
    bool is_old = false;  // it has worked before
  };

  picked pick(const asio::any_io_executor& here);

  const redis_server server_;
  const resp_limits limits_;
  const std::size_t most_;
  std::mutex mutex_;  // guards the following
  std::vector<std::weak_ptr<resp_connection>> made_;
  std::size_t next_ = 0;
};

}  // namespace weir
