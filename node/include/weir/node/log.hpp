#pragma once

#include <weir/engine/api.hpp>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir WEIR_API {

enum class log_level : std::uint8_t { debug, info, warn, error };

std::string_view name(log_level level) noexcept;

/// One thing that happened. `event` is a stable name such as "peer.unreachable"; docs/cli.md lists
/// them. Fields hold no values of the cache, and keys only at debug; they may hold any bytes, which
/// the sink must escape.
struct log_record {
  log_level level = log_level::info;
  std::string_view event;
  std::vector<std::pair<std::string, std::string>> fields = {};
};

/// Where records go. Called on any thread, on several at once; must not block.
/// Empty = warnings and errors go to standard error.
using log_sink = std::function<void(const log_record&)>;

}  // namespace weir
