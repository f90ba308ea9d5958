#include "event_hub.hpp"

#include <boost/asio/post.hpp>

#include <stdexcept>

namespace weir {

log_level level_of(std::string_view event) noexcept {
  if (event == "node.id_taken") return log_level::error;
  if (event == "peer.unreachable" || event == "peer.renamed" || event == "link.refused" ||
      event == "peer.removed" || event == "peer.forgotten" || event == "node.returned" ||
      event == "lease.lost" || event == "link.protocol_error" || event == "link.listener" ||
      event == "config.differs" || event == "source.failed" || event == "loads.refused" ||
      event == "value.too_large") {
    return log_level::warn;
  }
  if (event == "peer.candidate" || event.starts_with("link.")) return log_level::debug;
  return log_level::info;
}

void event_hub::add(event_listener listener) {
  if (!listener) throw std::invalid_argument("weir: on_event() was given an empty function");
  const std::lock_guard lock(mutex_);
  listeners_.push_back(std::move(listener));
}

void event_hub::publish(const cluster_event& event) {
  log_fields fields;
  if (!event.peer.empty()) fields.emplace_back("peer", event.peer);
  fields.insert(fields.end(), event.fields.begin(), event.fields.end());
  if (!event.detail.empty()) fields.emplace_back("detail", event.detail);
  log(level_of(event.name), event.name, std::move(fields));
  std::vector<event_listener> listeners;
  {
    const std::lock_guard lock(mutex_);
    listeners = listeners_;
  }
  for (auto& each : listeners) {
    if (executor_) {
      asio::post(executor_, [listener = std::move(each), event] { listener(event); });
    } else {
      each(event);
    }
  }
}

void event_hub::log(log_level level, std::string_view event, log_fields fields) const {
  if (log_) log_({level, event, std::move(fields)});
}

void event_hub::log_link(std::string_view remark, log_fields fields) const {
  constexpr std::string_view prefix = "peer_";
  if (remark.starts_with(prefix)) remark.remove_prefix(prefix.size());
  const auto event = "link." + std::string(remark);
  log(level_of(event), event, std::move(fields));
}

}  // namespace weir
