#include "cache_control.hpp"

#include <weir/transport/http_message.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string_view>

namespace weir {
namespace {

using seconds = std::chrono::seconds;

constexpr std::int64_t most_seconds = 1LL << 31;  // RFC 9111, 1.2.2

std::string_view trimmed(std::string_view text) noexcept {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// A count of seconds; 0 for what is none, so that nothing is kept by mistake.
std::int64_t seconds_in(std::string_view text) noexcept {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = text.substr(1, text.size() - 2);
  std::int64_t count = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (end != text.data() + text.size() || text.empty()) return 0;
  if (problem == std::errc::result_out_of_range) return text.front() == '-' ? 0 : most_seconds;
  return std::clamp<std::int64_t>(count, 0, most_seconds);
}

void shorten(std::optional<std::int64_t>& to, std::int64_t by) noexcept {
  to = std::min(to.value_or(by), by);
}

struct directives {
  bool is_not_kept = false;
  std::optional<std::int64_t> max_age;
  std::optional<std::int64_t> shared_max_age;

  void read(std::string_view list) {
    while (!list.empty()) {
      const auto end = std::min(list.find(','), list.size());
      const auto one = trimmed(list.substr(0, end));
      list.remove_prefix(std::min(end + 1, list.size()));
      const auto equals = std::min(one.find('='), one.size());
      const auto name = trimmed(one.substr(0, equals));
      const auto value = equals < one.size() ? trimmed(one.substr(equals + 1)) : std::string_view();
      if (http_name_equal(name, "no-store")) is_not_kept = true;
      if (http_name_equal(name, "no-cache") && value.empty()) is_not_kept = true;
      if (http_name_equal(name, "max-age")) shorten(max_age, seconds_in(value));
      if (http_name_equal(name, "s-maxage")) shorten(shared_max_age, seconds_in(value));
    }
  }
};

}  // namespace

std::optional<milliseconds> ttl_of(const std::vector<std::pair<std::string, std::string>>& fields) {
  directives said;
  std::int64_t age = 0;
  for (const auto& [name, value] : fields) {
    if (http_name_equal(name, "cache-control")) said.read(value);
    if (http_name_equal(name, "age")) age = std::max(age, seconds_in(trimmed(value)));
  }
  if (said.is_not_kept) return milliseconds(0);
  const auto lifetime = said.shared_max_age ? said.shared_max_age : said.max_age;
  if (!lifetime) return std::nullopt;
  return std::chrono::duration_cast<milliseconds>(seconds(std::max<std::int64_t>(*lifetime - age, 0)
  ));
}

}  // namespace weir
