#pragma once

#include "source/feed_state.hpp"
#include "source/trouble_log.hpp"

#include <weir/engine/change_feed.hpp>
#include <weir/engine/stats.hpp>

#include <boost/asio/awaitable.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <span>

namespace weir {

class keyspace_core;

/// Runs the feed of changes of one keyspace's source on one node, dials it again, and hands what it
/// tells to the keyspace (record.cpp). What it means for reads: rules F1 to F4 of docs/protocol.md.
///
/// Thread-safe. Calls the keyspace and the feed under no lock.
class keyspace_feed final : public change_sink, public std::enable_shared_from_this<keyspace_feed> {
 public:
  keyspace_feed(environment& env, std::shared_ptr<change_feed> feed)
      : env_(env), feed_(std::move(feed)), loss_(feed_->when_lost()) {}

  /// Begins to listen for `core`. Once.
  void start(std::weak_ptr<keyspace_core> core);

  /// Ends it for good.
  void stop();

  /// Due several times a second: cuts a silent connection, and tells what an operator should know.
  void tick();

  /// Whether what is kept holds all that the source has told; a hit's check.
  bool is_live(time_point now) const noexcept {
    return now.time_since_epoch().count() < live_until_.load(std::memory_order_acquire);
  }

  feed_loss when_lost() const noexcept { return loss_; }

  feed_status status() const;

  void reset() override;
  void apply(std::span<const source_change> changes) override;
  void alive(time_point covered) override;

 private:
  asio::awaitable<void> run();
  asio::awaitable<error> run_once();
  void dial_at(time_point when);
  void ended(const error& why);
  void publish() noexcept;
  void report(std::optional<trouble_log::line> line, const error& why) const;

  environment& env_;
  const std::shared_ptr<change_feed> feed_;
  const feed_loss loss_;
  std::weak_ptr<keyspace_core> core_;  // set before the first run
  std::atomic<steady_duration::rep> live_until_{time_point::min().time_since_epoch().count()};
  std::atomic<std::uint64_t> changes_{0};
  mutable std::mutex mutex_;
  feed_state state_;
  trouble_log log_{trouble_log::ends::by_success};
  error last_{};
  timer_id timer_ = 0;
  bool is_stopped_ = false;
};

}  // namespace weir
