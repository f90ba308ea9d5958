#include "tests/support/cluster/history_check.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// A put without an OK may still arrive for so long after its answer.
constexpr auto stray_put_life = 10s;
// Kernel tick of the coarse clock that judges the TTL, and rounding.
constexpr auto clock_grain = 20ms;

std::string keyspace_of(const std::string& key) {
  return key.substr(0, key.find('/'));
}

// Wrong bytes are C1's; they say nothing about versions.
bool is_value(const request_record& at) {
  return at.result == outcome::value && at.is_whole;
}

class checker {
 public:
  checker(const history& of, const check_options& options) : of_(of), options_(options) {
    if (!of.requests.empty()) {
      origin_ = std::min_element(
                    of.requests.begin(),
                    of.requests.end(),
                    [](const auto& a, const auto& b) { return a.begin < b.begin; }
      )->begin;
    }
  }

  findings run() {
    std::unordered_map<std::string, std::vector<const request_record*>> by_key;
    std::map<std::pair<std::uint64_t, std::string>, std::vector<const request_record*>> by_session;
    for (const auto& each : of_.requests) {
      check_outcome(each);
      if (each.what == operation::read) check_value(each);
      if (each.what == operation::put) puts_[each.load] = &each;
      if (each.what == operation::remove) removed_.insert(each.key);
      by_key[each.key].push_back(&each);
      by_session[{each.connection, each.key}].push_back(&each);
    }
    for (auto& [key, requests] : by_key) {
      check_absent(key, requests);
      check_order(requests, false);
      check_order(requests, true);
    }
    for (auto& [session, requests] : by_session) check_session(requests);
    count_loads();
    return std::move(found_);
  }

 private:
  void report(
      std::size_t& counter, const char* promise, const request_record& at, std::string why
  ) {
    ++counter;
    if (found_.violations.size() == 20) return;
    const auto ms = [&](time_point when) {
      return std::to_string(std::chrono::duration_cast<milliseconds>(when - origin_).count());
    };
    found_.violations.push_back(
        std::string(promise) + " at " + ms(at.begin) + ".." + ms(at.end) + " ms, node " +
        std::to_string(at.node) + ", " + at.key + ", " + std::string(name(at.result)) +
        (at.is_cached ? ", cached" : "") + ", version " + std::to_string(at.version) + ": " + why
    );
  }

  bool was_down(const request_record& at) const {
    const auto spans = of_.down.find(at.node);
    return spans != of_.down.end() &&
           std::any_of(spans->second.begin(), spans->second.end(), [&](const auto& each) {
             return each.meets(at.begin, at.end);
           });
  }

  // C8, and C7 as far as one answer shows it.
  void check_outcome(const request_record& at) {
    if (at.result == outcome::source_error) {
      const auto& failures = of_.source_failures;
      const bool is_due = std::any_of(failures.begin(), failures.end(), [&](const auto& each) {
        return each.meets(at.begin, at.end);
      });
      if (!is_due) report(found_.cached_errors, "C7", at, "the source was well");
    }
    if (at.result == outcome::other) {
      report(found_.corrupt, "C1", at, "status " + std::to_string(at.status) + " " + at.code);
    }
    if (was_down(at)) return;
    switch (at.result) {
      case outcome::none:
        return report(found_.lost, "C8", at, "no answer");
      case outcome::refused:
      case outcome::connection_lost:
        return report(found_.lost, "C8", at, "the node was up");
      default:
        break;
    }
    const auto late = at.end - at.begin - at.timeout - options_.grace;
    if (late > of_.lag_between(at.begin, at.end)) {
      const auto ms = std::chrono::duration_cast<milliseconds>(late + options_.grace).count();
      report(found_.late, "C8", at, std::to_string(ms) + " ms after its deadline");
    }
  }

  // C1 and C2.
  void check_value(const request_record& at) {
    if (at.result != outcome::value) return;
    if (!at.is_whole) return report(found_.corrupt, "C1", at, "wrong bytes");
    if (at.load >= first_put) return;
    if (at.load >= of_.loads.size() || of_.loads[at.load].key != at.key ||
        of_.loads[at.load].version != at.version || of_.loads[at.load].begin > at.end) {
      return report(found_.corrupt, "C1", at, "no load made it");
    }
    const auto ttl = options_.ttl.find(keyspace_of(at.key));
    if (ttl == options_.ttl.end()) return;
    const auto age = at.begin - of_.loads[at.load].begin;
    if (age > ttl->second + clock_grain) {
      const auto ms = std::chrono::duration_cast<milliseconds>(age).count();
      report(found_.too_old, "C2", at, std::to_string(ms) + " ms old");
    }
  }

  // The source has every key: absent is only what somebody removed.
  void check_absent(const std::string& key, const std::vector<const request_record*>& requests) {
    if (removed_.contains(key)) return;
    for (const auto* each : requests) {
      if (each->what != operation::read || each->result != outcome::not_found) continue;
      report(found_.corrupt, "C1", *each, "nobody removed it");
    }
  }

  // C3, or C4 for partial changes: from the time a change counts, nothing older is read.
  void check_order(const std::vector<const request_record*>& requests, bool is_partial) {
    struct promise {
      time_point since;
      time_point issued;
      std::uint64_t version;
    };

    std::vector<promise> changes;
    std::vector<const request_record*> reads;
    for (const auto* each : requests) {
      if (each->what == operation::read && is_value(*each)) reads.push_back(each);
      if (each->what == operation::read) continue;
      if (each->result == outcome::ok && !is_partial) {
        changes.push_back({each->end, each->begin, each->version});
      }
      if (each->result == outcome::partial && is_partial) {
        changes.push_back({each->end + each->bound, each->begin, each->version});
      }
    }
    std::sort(changes.begin(), changes.end(), [](const auto& a, const auto& b) {
      return a.since < b.since;
    });
    std::sort(reads.begin(), reads.end(), [](const auto* a, const auto* b) {
      return a->begin < b->begin;
    });
    promise newest{};
    auto next = changes.begin();
    for (const auto* each : reads) {
      for (; next != changes.end() && next->since < each->begin; ++next) {
        if (next->version > newest.version) newest = *next;
      }
      if (each->version >= newest.version || is_stray(*each, newest.issued)) continue;
      const auto ago = std::chrono::duration_cast<milliseconds>(each->begin - newest.since).count();
      report(
          is_partial ? found_.stale_after_bound : found_.stale_after_ok,
          is_partial ? "C4" : "C3",
          *each,
          "version " + std::to_string(newest.version) + " counted since " + std::to_string(ago) +
              " ms"
      );
    }
  }

  // The value of a put that may have been ordered after a change issued then: both ran at the same
  // time, or it was never confirmed and was applied late.
  bool is_stray(const request_record& read, time_point issued) const {
    const auto found = puts_.find(read.load);
    if (found == puts_.end()) return false;
    const auto& put = *found->second;
    return issued < put.end + (put.result == outcome::ok ? 0s : stray_put_life);
  }

  // C5: `requests` are of one connection and key, one after the other.
  void check_session(std::vector<const request_record*>& requests) {
    std::sort(requests.begin(), requests.end(), [](const auto* a, const auto* b) {
      return a->begin < b->begin;
    });
    std::map<std::uint64_t, std::uint64_t> seen;  // the greatest sequence of each epoch
    std::uint64_t own = 0;
    time_point own_issued;
    for (const auto* each : requests) {
      const bool is_acknowledged = each->result == outcome::ok || each->result == outcome::partial;
      if (each->what == operation::purge && is_acknowledged && each->version > own) {
        own = each->version;
        own_issued = each->begin;
      }
      if (each->what != operation::read || !is_value(*each)) continue;
      if (each->version < own && !is_stray(*each, own_issued)) {
        report(found_.session_went_back, "C5", *each, "its own change " + std::to_string(own));
      }
      if (each->epoch == 0) continue;
      auto& last = seen[each->epoch];
      if (each->sequence < last) {
        report(
            found_.session_went_back, "C5", *each, "it saw a later sequence " + std::to_string(last)
        );
      }
      last = std::max(last, each->sequence);
    }
  }

  // C6, of loads that neither began in nor right after a fault.
  void count_loads() {
    std::unordered_map<std::string, std::vector<std::pair<time_point, int>>> steps;
    for (const auto& each : of_.loads) {
      const bool is_disturbed =
          std::any_of(of_.faults.begin(), of_.faults.end(), [&](const auto& fault) {
            return fault.span.meets(each.begin - 5s, each.end);
          });
      if (is_disturbed || each.end == time_point()) continue;
      steps[each.key].emplace_back(each.begin, 1);
      steps[each.key].emplace_back(each.end, -1);
    }
    for (auto& [key, times] : steps) {
      std::sort(times.begin(), times.end());
      int now = 0;
      for (const auto& [when, change] : times) {
        now += change;
        found_.most_loads_at_once =
            std::max(found_.most_loads_at_once, static_cast<std::size_t>(std::max(0, now)));
      }
    }
  }

  const history& of_;
  const check_options& options_;
  time_point origin_;
  std::unordered_map<std::uint64_t, const request_record*> puts_;
  std::unordered_set<std::string> removed_;
  findings found_;
};

}  // namespace

findings check(const history& of, const check_options& options) {
  return checker(of, options).run();
}

}  // namespace weir::test
