#pragma once

#include <weir/engine/membership.hpp>
#include <weir/engine/result.hpp>
#include <weir/node/log.hpp>

#include <boost/asio/any_io_executor.hpp>

#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir {

using event_listener = std::function<void(const cluster_event&)>;

/// How loud an event of the cluster is in the log.
log_level level_of(std::string_view event) noexcept;

/// Takes what happens on a node to its log and its listeners. Thread-safe; callbacks of the engine
/// and the network share it, so that it outlives them.
class event_hub {
 public:
  event_hub(log_sink log, asio::any_io_executor executor)
      : log_(std::move(log)), executor_(std::move(executor)) {}

  void add(event_listener listener);

  /// Logs `event` and tells every listener, on the executor if there is one.
  void publish(const cluster_event& event);

  void log(log_level level, std::string_view event, log_fields fields) const;

  /// A remark of the peer link, "peer_refused" for example, as the event "link.refused".
  void log_link(std::string_view remark, std::vector<std::pair<std::string, std::string>> fields)
      const;

 private:
  const log_sink log_;
  const asio::any_io_executor executor_;
  std::mutex mutex_;
  std::vector<event_listener> listeners_;
};

}  // namespace weir
