#include "redis/redis_failure.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace weir {
namespace {

using namespace std::string_view_literals;

/// Passes by itself, or when memory is free again.
constexpr std::array redis_busy{"OOM "sv, "BUSY "sv, "TRYAGAIN "sv};

/// The server as it is now takes no writes, or none at all.
constexpr std::array redis_away{
    "LOADING "sv, "MASTERDOWN "sv, "CLUSTERDOWN "sv, "NOREPLICAS "sv, "MISCONF "sv};

/// Whoever repeats it gets the same.
constexpr std::array redis_refusals{
    "READONLY "sv,
    "MOVED "sv,
    "ASK "sv,
    "CROSSSLOT "sv,
    "NOPERM "sv,
    "NOAUTH "sv,
    "WRONGPASS "sv,
    "WRONGTYPE "sv,
    "NOSCRIPT "sv,
    "NOPROTO "sv,
    "ERR unknown command"sv,
    "ERR wrong number of arguments"sv,
    "ERR syntax error"sv,
    "ERR invalid expire time"sv,
    "ERR value is not an integer"sv,
    "ERR string exceeds maximum allowed size"sv,
    "ERR Protocol error"sv,
    "ERR max number of clients reached"sv,
};

template <std::size_t Count>
bool is_any(std::string_view said, const std::array<std::string_view, Count>& all) {
  return std::any_of(all.begin(), all.end(), [&](auto each) { return said.starts_with(each); });
}

/// One line, as far as remarks go.
std::string redis_line(std::string text) {
  constexpr std::size_t longest = 512;
  text.resize(std::min(text.size(), longest));
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 0x20; }, ' '
  );
  return text;
}

}  // namespace

std::string redis_words(const std::string& said) {
  auto line = redis_line(said);
  if (said.starts_with("MOVED ") || said.starts_with("ASK "))
    return line + " (Redis Cluster is not supported: name a single server, or a proxy)";
  if (said.starts_with("NOPROTO") || said.starts_with("ERR unknown command `HELLO`") ||
      said.starts_with("ERR unknown command 'HELLO'"))
    return line + " (weir needs Redis 6 or newer)";
  if (said.starts_with("READONLY ")) return line + " (the server is a replica; name its primary)";
  return line;
}

errc redis_load_error(const std::string& said) noexcept {
  return is_any(said, redis_busy) ? errc::overloaded : errc::source_failed;
}

errc redis_load_error(const resp_fault& fault) noexcept {
  switch (fault.what) {
    case resp_fault::kind::late:
      return errc::deadline_exceeded;
    case resp_fault::kind::crowded:
      return errc::overloaded;
    default:
      return errc::source_failed;
  }
}

errc redis_write_error(const std::string& said) noexcept {
  if (is_any(said, redis_busy)) return errc::overloaded;
  if (is_any(said, redis_away)) return errc::unavailable;
  return is_any(said, redis_refusals) ? errc::source_failed : errc::unknown_outcome;
}

errc redis_write_error(const resp_fault& fault) noexcept {
  if (fault.was_sent) return errc::unknown_outcome;
  return fault.what == resp_fault::kind::crowded ? errc::overloaded : errc::unavailable;
}

}  // namespace weir
