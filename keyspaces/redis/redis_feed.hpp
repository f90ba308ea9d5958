#pragma once

#include "redis/redis_server.hpp"

#include <weir/engine/change_feed.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// Adds what a push of Redis says was changed: the keys behind the prefix; everything for a key
/// that has no name then, a null and what cannot be read; nothing for a push of another kind.
void add_redis_changes(
    std::vector<source_change>& to, const resp_value& push, std::string_view prefix
);

/// CLIENT TRACKING in broadcasting mode, on a connection of its own.
class redis_feed final : public change_feed {
 public:
  redis_feed(std::shared_ptr<const redis_server> server, std::string prefix, feed_loss when_lost)
      : server_(std::move(server)), prefix_(std::move(prefix)), when_lost_(when_lost) {}

  asio::awaitable<error> async_run(change_sink& to, load_context context) override;
  void cut() override;

  feed_loss when_lost() const noexcept override { return when_lost_; }

 private:
  class holding;
  class listener;

  asio::awaitable<std::string> listen(
      std::weak_ptr<resp_connection> on, listener& by, const environment& env
  );

  const std::shared_ptr<const redis_server> server_;
  const std::string prefix_;
  const feed_loss when_lost_;
  std::mutex mutex_;
  std::weak_ptr<resp_connection> used_;  // for cut(), from any thread
  bool is_running_ = false, is_cut_ = false;
};

}  // namespace weir
