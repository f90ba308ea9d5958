#include "tests/sim/judges/sim_checker.hpp"

#include "tests/sim/courses/sim_membership.hpp"
#include "tests/sim/world/sim_loads.hpp"

#include <algorithm>
#include <utility>

namespace weir::sim {

namespace {

constexpr duration outcome_slack = 100ms;  // C8
constexpr duration longest_naming = 6s;    // until all nodes were told of a node that came back

class judgement {
 public:
  judgement(cluster& run, const check_options& options)
      : run_(run), past_(run.past()), options_(options) {}

  verdict pass() {
    out_.runs = 1;
    out_.virtual_time = run_.now();
    out_.hash = run_.world().history();
    out_.violations = past_.violations;
    out_.stale_reads_of_available = run_.judge().stale_reads_of_available();
    for (const request_record& request : past_.requests) {
      if (!run_.is_broken()) check_ledger(request);
      count(request);
    }
    for (const fault_record& fault : past_.faults) ++out_.faults[std::string(name(fault.kind))];
    out_.is_broken = run_.is_broken();
    if (out_.is_broken) return std::move(out_);  // it stopped in the middle
    if (options_.asks_why) count_loads(run_, options_, out_);
    check_views();
    check_whole();
    return std::move(out_);
  }

 private:
  // ---- C8: one outcome, in time

  void check_ledger(const request_record& of) {
    if (of.endings > 1) blame(of, "C8: answered " + std::to_string(of.endings) + " times");
    if (of.end == request_end::died) {
      if (of.incarnation != 0 && !was_killed_at(of.node, of.ended))
        blame(of, "C8: forgotten by a living node");
      return;
    }
    const instant latest = latest_end(of, of.due);
    const instant ended = of.end == request_end::pending ? run_.now() : of.ended;
    if (ended > latest)
      blame(
          of,
          "C8: " + text(ended - of.due) + " after its deadline" +
              (of.session != 0 ? ", in a session" : "")
      );
  }

  instant latest_end(const request_record& of, instant due) const {
    instant latest = due;
    for (const fault_record& fault : past_.faults)
      if (fault.kind == fault_kind::freeze && fault.node == of.node &&
          fault.from <= latest + outcome_slack && fault.until > of.started)
        latest = std::max(latest, std::min(fault.until, instant::max() - outcome_slack));
    return latest + outcome_slack;
  }

  bool was_killed_at(std::size_t node, instant when) const {
    return std::any_of(past_.faults.begin(), past_.faults.end(), [&](const fault_record& f) {
      return f.kind == fault_kind::crash && f.node == node && f.from == when;
    });
  }

  // ---- the views: one soon after the last fault, and after each change from then on, as when a
  // node that came back takes its slots

  void check_views() {
    std::map<instant, bool> are_one;
    for (const request_record& request : past_.requests) {
      if (request.end == request_end::died || request.end == request_end::pending) continue;
      are_one[request.started] = request.views_at_start != 0;
      are_one[request.ended] = request.views_at_end != 0;
    }
    for (const auto& [from, until] : quiet_times()) {
      if (until - from < views_agree_within) continue;
      instant were_one = from;
      duration took{0};
      for (auto look = are_one.upper_bound(from); look != are_one.end() && look->first < until;
           ++look) {
        if (look->second) were_one = look->first;
        took = std::max(took, look->first - were_one);
      }
      out_.agreed_millis.push_back(std::chrono::duration<float, std::milli>(took).count());
      if (took > views_agree_within)
        blame("views: different for " + text(took) + " after " + text(from));
    }
  }

  // From the end of the last fault to the beginning of the next.
  std::vector<std::pair<instant, instant>> quiet_times() const {
    const auto end_of = [](const fault_record& fault) {
      const bool is_told = fault.kind == fault_kind::remove && fault.until != instant::max();
      return fault.until + (is_told ? longest_naming : 0ns);
    };
    std::vector<std::pair<instant, instant>> quiet;
    for (const fault_record& ended : past_.faults) {
      const instant from = end_of(ended);
      instant until = run_.now();
      if (from >= until) continue;
      bool is_quiet = true;
      for (const fault_record& other : past_.faults) {
        if (other.from > from) {
          until = std::min(until, other.from);
        } else if (end_of(other) > from) {
          is_quiet = false;
        }
      }
      if (is_quiet) quiet.emplace_back(from, until);
    }
    std::sort(quiet.begin(), quiet.end());
    quiet.erase(std::unique(quiet.begin(), quiet.end()), quiet.end());
    return quiet;
  }

  // ---- counts, and what must hold of the whole

  void count(const request_record& of) {
    ++(of.is_read() ? out_.reads : out_.changes);
    std::string key(name(of.kind));
    key += ' ';
    key += name(of.end);
    if (of.end == request_end::failed) {
      key += ": ";
      key += weir::name(of.error);
    }
    ++out_.outcomes[key];
    if (of.end == request_end::died || of.end == request_end::pending) return;
    const bool in_faults = is_in_faults(of.started);
    const duration took = of.ended - of.started;
    const float millis = std::chrono::duration<float, std::milli>(took).count();
    if (of.is_change()) {
      if (in_faults && of.kind == request_kind::invalidate)
        out_.confirmed_in_faults.count(of.end == request_end::ok);
      if (of.end == request_end::ok) out_.ok_millis.push_back(millis);
      return;
    }
    out_.slowest_read = std::max(out_.slowest_read, took);
    if (of.started < options_.calm_until) {
      out_.cached_in_calm.count(of.was_answered_from_cache());
      out_.calm_millis.push_back(millis);
    }
    if (in_faults) out_.cached_in_faults.count(of.was_answered_from_cache());
    if (is_recovered(of.started)) {
      out_.cached_after_recovery.count(of.was_answered_from_cache());
      out_.recovered_millis.push_back(millis);
      if (of.end == request_end::failed)
        blame(of, "recovery: " + of.error.message() + " long after the last fault");
    }
  }

  bool is_in_faults(instant when) const {
    return std::any_of(past_.faults.begin(), past_.faults.end(), [&](const fault_record& f) {
      return f.kind != fault_kind::wires && f.from <= when && when < f.until;
    });
  }

  bool is_recovered(instant when) const {
    return options_.recovered_at > 0ns && when >= options_.recovered_at;
  }

  void check_whole() {
    if (options_.recovered_at > 0ns) {
      if (out_.cached_after_recovery.value() < 0.9 * out_.cached_in_calm.value())
        blame("recovery: the share of cached reads stayed low");
      if (quantile(out_.recovered_millis, 0.9) > 1.5F * quantile(out_.calm_millis, 0.9) + 5)
        blame("recovery: reads stayed slow");
      for (std::size_t node = 0; node != run_.size(); ++node)
        if (!run_.at(node).lease().is_valid)
          blame(
              "recovery: " + cluster::id_of(node) + " has no lease: " + run_.at(node).lease().why
          );
      if (!run_.views_agree()) blame("recovery: the views still differ");
      for (std::size_t a = 0; a != run_.size(); ++a)
        for (std::size_t b = 0; b != run_.size(); ++b)
          if (a != b && !run_.reaches(a, b))
            blame("recovery: " + cluster::id_of(a) + " does not reach " + cluster::id_of(b));
    }
    for (const auto& [kind, count] : run_.wires().counts().replies_dropped)
      blame(
          "C8: " + std::to_string(count) + " requests of other nodes were never answered, kind " +
          std::to_string(kind) + " of request_body"
      );
  }

  void blame(const std::string& what) { out_.violations.push_back(what); }

  void blame(const request_record& of, const std::string& what) {
    out_.violations.push_back(
        "request " + std::to_string(of.number) + " (" + std::string(name(of.kind)) + ' ' +
        of.keyspace + '/' + of.key + " at " + cluster::id_of(of.node) + ", started at " +
        text(of.started) + "): " + what
    );
  }

  cluster& run_;
  const history& past_;
  const check_options& options_;
  verdict out_;
};

template <class Key>
void add_counts(std::map<Key, std::uint64_t>& to, const std::map<Key, std::uint64_t>& from) {
  for (const auto& [key, count] : from) to[key] += count;
}

}  // namespace

float quantile(std::vector<float>& values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const double last = static_cast<double>(values.size() - 1);
  return values[static_cast<std::size_t>(share * last)];
}

verdict judge(cluster& run, const check_options& options) {
  return judgement(run, options).pass();
}

void verdict::add(const verdict& other) {
  violations.insert(violations.end(), other.violations.begin(), other.violations.end());
  runs += other.runs;
  virtual_time += other.virtual_time;
  reads += other.reads;
  changes += other.changes;
  add_counts(outcomes, other.outcomes);
  add_counts(faults, other.faults);
  cached_in_calm.add(other.cached_in_calm);
  cached_in_faults.add(other.cached_in_faults);
  cached_after_recovery.add(other.cached_after_recovery);
  confirmed_in_faults.add(other.confirmed_in_faults);
  for (auto times :
       {&verdict::ok_millis,
        &verdict::calm_millis,
        &verdict::recovered_millis,
        &verdict::agreed_millis})
    (this->*times).insert((this->*times).end(), (other.*times).begin(), (other.*times).end());
  slowest_read = std::max(slowest_read, other.slowest_read);
  loads += other.loads;
  keys_loaded += other.keys_loaded;
  most_loads_of_a_key = std::max(most_loads_of_a_key, other.most_loads_of_a_key);
  add_counts(load_reasons, other.load_reasons);
  add_counts(excess_causes, other.excess_causes);
  for (std::size_t i = 0; i != at_once.size(); ++i) at_once[i] += other.at_once[i];
  stale_reads_of_available += other.stale_reads_of_available;
  hash = mix(hash ^ other.hash);
}

}  // namespace weir::sim
