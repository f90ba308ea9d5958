#pragma once

#include "redis/redis_own_writes.hpp"
#include "redis/redis_server.hpp"

#include <weir/engine/change_feed.hpp>

#include <memory>
#include <mutex>
#include <optional>
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
///
/// Redis tells keys, and no tags. Of one that this process has just written it is asked on the same
/// connection what the value's hash is now, and that is told with the key, so that the engine keeps
/// what it has if nobody else came between. All others are told at once, as changed.
class redis_feed final : public change_feed {
 public:
  struct settings {
    std::string prefix;
    feed_loss when_lost = feed_loss::pass;
    std::shared_ptr<const redis_own_writes> own = nullptr;  ///< null = none is asked for
  };

  redis_feed(std::shared_ptr<const redis_server> server, settings with)
      : server_(std::move(server)), settings_(std::move(with)) {}

  asio::awaitable<error> async_run(change_sink& to, load_context context) override;
  void cut() override;

  feed_loss when_lost() const noexcept override { return settings_.when_lost; }

 private:
  class holding;
  class listener;

  asio::awaitable<std::string> listen(
      std::weak_ptr<resp_connection> on, listener& by, const environment& env
  );
  asio::awaitable<std::optional<std::string>> tell_own(
      std::weak_ptr<resp_connection> on, listener& by
  );

  const std::shared_ptr<const redis_server> server_;
  const settings settings_;
  std::mutex mutex_;
  std::weak_ptr<resp_connection> used_;  // for cut(), from any thread
  bool is_running_ = false, is_cut_ = false;
};

}  // namespace weir
