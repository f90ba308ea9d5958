#pragma once

#include "postgres/pg_server.hpp"

#include <weir/engine/change_feed.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// Adds what a trigger's NOTIFY says was changed: the key; or the key, U+001F and its revision;
/// nothing for everything. A bytea key is written as PostgreSQL does, `\x` and hexadecimal digits;
/// where the type of keys is not known, such a text stands for both keys. What cannot be read is
/// everything.
void add_pg_change(std::vector<source_change>& to, std::string_view payload, pg_key_type keys);

/// LISTEN on one channel, on a connection of its own.
class pg_feed final : public change_feed {
 public:
  struct settings {
    std::string channel;
    pg_key_type keys = pg_key_type::as_stated;
    feed_loss when_lost = feed_loss::pass;
  };

  pg_feed(std::shared_ptr<const pg_server> server, settings with)
      : server_(std::move(server)), settings_(std::move(with)) {}

  asio::awaitable<error> async_run(change_sink& to, load_context context) override;
  void cut() override;

  feed_loss when_lost() const noexcept override { return settings_.when_lost; }

 private:
  class holding;
  asio::awaitable<pg_fault> listen(pg_connection& on, change_sink& to, const environment& env);
  asio::awaitable<std::optional<pg_fault>> ask(pg_connection& on, std::string sql);
  void tell(pg_connection& on, change_sink& to) const;

  const std::shared_ptr<const pg_server> server_;
  const settings settings_;
  std::mutex mutex_;
  pg_connection* used_ = nullptr;  // for cut(), from any thread
  bool is_cut_ = false;
};

}  // namespace weir
