#pragma once

#include "event_hub.hpp"
#include "program/log_writer.hpp"

#include <weir/config/load.hpp>
#include <weir/node/from_settings.hpp>
#include <weir/node/node.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace weir {

class static_provider;

/// What the door asks the program for; see node_options.
struct served_actions {
  admin_action reload = {};
  admin_action drain = {};
};

/// The node that `weir serve` runs: made from a configuration, which can be replaced while it runs.
/// Everything but the metrics is used by one thread.
class served_node {
 public:
  /// Throws std::invalid_argument when a source cannot be used; the text names its keyspace.
  served_node(config::settings settings, log_writer& log, served_actions actions = {});
  ~served_node();

  boost::system::result<void, start_error> start() { return node_->start(); }

  /// Drains within drain_timeout; a tenth of it is kept for sources that are running at the end.
  /// Calls `closing` as node::drain() does.
  void drain(const std::function<void(std::size_t)>& closing) {
    node_->drain(settings_.node.drain_timeout * 9 / 10, closing);
  }

  const weir::node& node() const noexcept { return *node_; }

  const config::settings& settings() const noexcept { return settings_; }

  /// Takes a newly loaded configuration: all of it, or nothing of it. Logs `reload.applied` with
  /// what changed and how many entries that cost, or `reload.refused` with every reason, and
  /// returns the same in words.
  admin_outcome reload(const config::load_result& loaded);

 private:
  struct keyspace_changes;

  admin_outcome refuse(std::string detail);
  keyspace_changes plan(const config::settings& wanted) const;
  std::uint64_t apply(const keyspace_changes& changes);
  void append_metrics(metrics_text& out) const;

  config::settings settings_;
  log_writer& log_;
  std::shared_ptr<static_provider> peers_;  // null without a discovery block
  std::atomic<std::uint64_t> reloads_applied_{0};
  std::atomic<std::uint64_t> reloads_refused_{0};
  std::unique_ptr<weir::node> node_;
  std::shared_ptr<http_client> client_;
};

/// The level of the configuration as that of the log.
log_level level_from(config::log_level level) noexcept;

}  // namespace weir
