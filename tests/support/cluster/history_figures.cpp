#include "tests/support/cluster/history_check.hpp"

#include <algorithm>
#include <cstdio>
#include <set>

namespace weir::test {
namespace {

using std::chrono::milliseconds;

double share(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

double in_ms(history_clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

bool is_in(const std::vector<time_span>& spans, time_point from, time_point until) {
  return std::any_of(spans.begin(), spans.end(), [&](const auto& each) {
    return each.meets(from, until);
  });
}

// From the end of the fault until every node serves from its cache and confirms changes again.
recovery recovery_after(const history& of, const fault_record& fault) {
  std::map<int, time_point> cached;
  std::map<int, time_point> confirmed;
  std::set<int> nodes;
  time_point last = fault.span.end;
  for (const auto& each : of.requests) {
    nodes.insert(each.node);
    last = std::max(last, each.end);
    if (each.begin < fault.span.end) continue;
    const auto first = [&](std::map<int, time_point>& in) {
      auto& known = in.try_emplace(each.node, each.end).first->second;
      known = std::min(known, each.end);
    };
    if (each.is_cached) first(cached);
    if (each.what == operation::purge && each.result == outcome::ok) first(confirmed);
  }
  recovery out;
  const auto count = [&](int node, const std::map<int, time_point>& in, std::string_view what) {
    const auto found = in.find(node);
    const auto until = found == in.end() ? last : found->second;
    const auto time = std::chrono::duration_cast<milliseconds>(until - fault.span.end);
    if (time > out.time) out = {time, node, what};
  };
  for (const int node : nodes) {
    count(node, cached, "a cached read");
    count(node, confirmed, "a confirmed change");
  }
  return out;
}

void print_outcomes(
    const char* title, const char* what, const std::array<std::size_t, outcome_count>& by
) {
  std::printf("%s: %s:", title, what);
  for (std::size_t i = 0; i != by.size(); ++i) {
    if (by[i] == 0) continue;
    const auto word = name(static_cast<outcome>(i));
    std::printf(" %.*s %zu", static_cast<int>(word.size()), word.data(), by[i]);
  }
  std::printf("\n");
}

}  // namespace

figures summarize(const history& of) {
  figures out;
  std::size_t taken[2]{}, cached[2]{}, purges[2]{}, confirmed[2]{};
  std::vector<time_span> faults;
  for (const auto& each : of.faults) faults.push_back(each.span);
  for (const auto& each : of.requests) {
    const bool is_read = each.what == operation::read;
    ++(is_read ? out.reads : out.changes);
    ++(is_read ? out.reads_by : out.changes_by)[static_cast<std::size_t>(each.result)];
    const auto down = of.down.find(each.node);
    if (down != of.down.end() && is_in(down->second, each.begin, each.end)) continue;
    const std::size_t when = is_in(faults, each.begin, each.begin) ? 1 : 0;
    if (is_read) {
      ++taken[when];
      if (each.is_cached) ++cached[when];
    } else if (each.what == operation::purge) {
      ++purges[when];
      if (each.result == outcome::ok) ++confirmed[when];
    }
  }
  out.purges = purges[0] + purges[1];
  out.purges_ok = confirmed[0] + confirmed[1];
  out.cached_between = share(cached[0], taken[0]);
  out.cached_during = share(cached[1], taken[1]);
  out.ok_between = share(confirmed[0], purges[0]);
  out.ok_during = share(confirmed[1], purges[1]);
  for (const auto& each : of.faults) out.recoveries.push_back(recovery_after(of, each));
  for (const auto& [second, lag] : of.lag) out.worst_lag = std::max(out.worst_lag, lag);
  return out;
}

void print(const std::string& title, const figures& numbers, const findings& found) {
  const auto* const t = title.c_str();
  print_outcomes(t, (std::to_string(numbers.reads) + " reads").c_str(), numbers.reads_by);
  print_outcomes(t, (std::to_string(numbers.changes) + " changes").c_str(), numbers.changes_by);
  std::printf(
      "%s: stale reads after OK %zu, lost requests %zu, late answers %zu, wrong bytes %zu\n",
      t,
      found.stale_after_ok,
      found.lost,
      found.late,
      found.corrupt
  );
  std::printf(
      "%s: stale after a bound %zu, too old %zu, sessions back %zu, errors kept %zu, most loads of "
      "a key at once outside faults %zu\n",
      t,
      found.stale_after_bound,
      found.too_old,
      found.session_went_back,
      found.cached_errors,
      found.most_loads_at_once
  );
  std::printf(
      "%s: reads from cache %.1f %% during faults, %.1f %% between; invalidations OK %.1f %% "
      "during, "
      "%.1f %% between\n",
      t,
      100 * numbers.cached_during,
      100 * numbers.cached_between,
      100 * numbers.ok_during,
      100 * numbers.ok_between
  );
  std::vector<milliseconds> times;
  for (const auto& each : numbers.recoveries) times.push_back(each.time);
  std::sort(times.begin(), times.end());
  if (!times.empty()) {
    std::printf(
        "%s: %zu faults, recovery p50 %lld ms, max %lld ms; the driver was late by at most %.0f "
        "ms\n",
        t,
        times.size(),
        static_cast<long long>(times[times.size() / 2].count()),
        static_cast<long long>(times.back().count()),
        in_ms(numbers.worst_lag)
    );
  }
  for (const auto& each : found.violations) std::printf("%s: %s\n", t, each.c_str());
}

}  // namespace weir::test
