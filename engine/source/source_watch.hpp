#pragma once

#include "source/trouble_log.hpp"

#include <weir/engine/membership.hpp>
#include <weir/engine/result.hpp>
#include <weir/engine/stats.hpp>

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace weir {

/// Keeps in mind how the source of one keyspace fares, and says what an operator should read of it.
///
/// The events that it returns are to be reported by the caller, under no lock. Thread-safe; a
/// success without trouble costs one atomic read.
class source_watch {
 public:
  using events = std::vector<cluster_event>;

  source_watch(std::string keyspace, std::string source_type)
      : keyspace_(std::move(keyspace)), type_(std::move(source_type)) {}

  /// A call of the source ended, or a load was refused by a limit, or a value is over max_entry.
  events failed(const error& why, time_point now);
  events succeeded(time_point now);

  events tick(time_point now);

  source_state state(time_point now) const;

  const std::string& source_type() const noexcept { return type_; }

 private:
  enum kind : std::size_t { source, refused, too_large, kinds };

  struct trouble {
    trouble_log log;
    error last{};
    time_point last_at{};
  };

  static kind kind_of(const error& why) noexcept;
  void add(events& out, kind of, const std::optional<trouble_log::line>& line) const;
  void settle();

  const std::string keyspace_;
  const std::string type_;
  mutable std::mutex mutex_;
  trouble troubles_[kinds] = {
      {trouble_log(trouble_log::ends::by_success)},
      {trouble_log(trouble_log::ends::by_silence)},
      {trouble_log(trouble_log::ends::by_silence)},
  };
  std::atomic<bool> is_source_well_{true};
  std::atomic<bool> is_quiet_{true};
};

}  // namespace weir
