#include "event_hub.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

namespace weir {
namespace {

constexpr std::array<std::string_view, 4> counts{"failures", "refused", "times", "values"};

/// The engine and the peer link tell fields as text; what they count is a number in the log.
log_value value_of(std::string_view field, std::string text) {
  std::uint64_t number = 0;
  const auto* const end = text.data() + text.size();
  const bool is_count = std::find(counts.begin(), counts.end(), field) != counts.end();
  const auto read = std::from_chars(text.data(), end, number);
  if (is_count && read.ec == std::errc() && read.ptr == end) return number;
  return text;
}

}  // namespace

log_level level_of(std::string_view event) noexcept {
  if (event == "node.id_taken") return log_level::error;
  if (event == "peer.unreachable" || event == "peer.suspect" || event == "peer.renamed" ||
      event == "link.refused" || event == "peer.removed" || event == "peer.forgotten" ||
      event == "node.returned" || event == "lease.lost" || event == "link.protocol_error" ||
      event == "link.listener" || event == "config.differs" || event == "source.failed" ||
      event == "feed.lost" || event == "loads.refused" || event == "value.too_large") {
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
  for (const auto& [field, text] : event.fields) fields.emplace_back(field, value_of(field, text));
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

void event_hub::log_link(
    std::string_view remark,
    // NOLINTNEXTLINE(performance-unnecessary-value-param): its texts are moved on
    std::vector<std::pair<std::string, std::string>> fields
) const {
  constexpr std::string_view prefix = "peer_";
  if (remark.starts_with(prefix)) remark.remove_prefix(prefix.size());
  const auto event = "link." + std::string(remark);
  log_fields said;
  for (auto& [field, text] : fields) {
    auto value = value_of(field, std::move(text));
    said.emplace_back(std::move(field), std::move(value));
  }
  log(level_of(event), event, std::move(said));
}

}  // namespace weir
