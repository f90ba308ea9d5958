#pragma once

#include <weir/engine/entry.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace weir {

using http_fields = std::vector<std::pair<std::string, std::string>>;

/// What an HTTP answer says of how long a shared cache may keep it (RFC 9111).
struct http_freshness {
  /// Forbidden to keep: no-store, no-cache, private, `Vary: *`.
  bool is_refused = false;
  /// Granted when it was new: s-maxage, else max-age, else Expires less Date. Nullopt = nothing is
  /// said. What cannot be read is 0; of several the shortest holds.
  std::optional<milliseconds> lifetime;
  /// Spent at other caches, by Age; without it by Date, where the answer came through others.
  milliseconds age{0};

  /// How long it may be kept from when it was asked for; nullopt = as long as the cache likes.
  std::optional<milliseconds> ttl() const noexcept;
};

/// Reads Cache-Control, Expires, Date, Age, Via and Vary of an answer that came at `now`. The time of
/// day counts only where the answer has a date of one kind and not of the other.
http_freshness freshness_of(const http_fields& fields, std::chrono::sys_seconds now);

}  // namespace weir
