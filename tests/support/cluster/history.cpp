#include "tests/support/cluster/history.hpp"

#include <algorithm>

namespace weir::test {

std::string_view name(outcome of) noexcept {
  constexpr std::array<std::string_view, outcome_count> names{
      "none",
      "value",
      "not_found",
      "ok",
      "partial",
      "overloaded",
      "unavailable",
      "deadline",
      "source_error",
      "unknown",
      "refused",
      "connection_lost",
      "other"};
  return names[static_cast<std::size_t>(of)];
}

std::int64_t second_of(time_point when) noexcept {
  return std::chrono::duration_cast<std::chrono::seconds>(when.time_since_epoch()).count();
}

history_clock::duration history::lag_between(time_point from, time_point until) const {
  history_clock::duration worst{0};
  for (auto each = lag.lower_bound(second_of(from)); each != lag.end(); ++each) {
    if (each->first > second_of(until) + 1) break;
    worst = std::max(worst, each->second);
  }
  return worst;
}

}  // namespace weir::test
