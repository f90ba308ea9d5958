#include "tests/sim/sim_checker.hpp"

#include "tests/sim/sim_loads.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <utility>

namespace weir::sim {

namespace {

constexpr duration outcome_slack = 100ms;  // C8
constexpr duration late_change =
    20s;  // an unconfirmed change may be applied after the longest freeze
constexpr duration longest_wire =
    2s;  // the answer of a flight that a reader joined may be on its way
constexpr duration clock_slack = 20ms;  // coarse clocks and late timers
constexpr double slowest_clock = 0.98;  // TTLs run on clocks within 2 %

using row = std::pair<std::string, std::string>;

std::string text(instant when) {
  return std::to_string(static_cast<double>(when.count()) / 1e9) + " s";
}

duration stretched(milliseconds time) {
  return duration(
      static_cast<std::int64_t>(static_cast<double>(duration(time).count()) / slowest_clock)
  );
}

/// The versions that acknowledged changes of one key demand of later reads, by when they were
/// acknowledged.
class demands {
 public:
  void add(instant acknowledged, std::uint64_t version) {
    log_.emplace_back(acknowledged, version);
  }

  void close() {
    std::sort(log_.begin(), log_.end());
    for (std::size_t i = 1; i < log_.size(); ++i)
      log_[i].second = std::max(log_[i].second, log_[i - 1].second);
  }

  /// The least version that a read starting at `when` may return; 0 = any.
  std::uint64_t at(instant when) const {
    const auto later =
        std::lower_bound(log_.begin(), log_.end(), std::pair(when, std::uint64_t{0}));
    return later == log_.begin() ? 0 : std::prev(later)->second;
  }

 private:
  std::vector<std::pair<instant, std::uint64_t>> log_;
};

class judgement {
 public:
  judgement(cluster& run, const check_options& options)
      : run_(run), past_(run.past()), source_(run.source()), options_(options) {}

  verdict pass() {
    out_.runs = 1;
    out_.virtual_time = run_.now();
    out_.hash = run_.world().history();
    gather();
    for (const request_record& request : past_.requests) {
      check_ledger(request);
      if (request.end == request_end::value) check_value(request);
      if (request.end == request_end::not_found) check_absence(request);
      if (request.end == request_end::failed) check_error(request);
      count(request);
    }
    count_loads(run_, out_);
    for (const fault_record& fault : past_.faults) ++out_.faults[std::string(name(fault.kind))];
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
    const instant latest = latest_end(of);
    const instant ended = of.end == request_end::pending ? run_.now() : of.ended;
    if (ended > latest) blame(of, "C8: " + text(ended - of.due) + " after its deadline");
  }

  instant latest_end(const request_record& of) const {
    instant latest = of.due;
    for (const fault_record& fault : past_.faults)
      if (fault.kind == fault_kind::freeze && fault.node == of.node && fault.from <= latest &&
          fault.until > of.started)
        latest = std::max(latest, std::min(fault.until, instant::max() - outcome_slack));
    return latest + outcome_slack;
  }

  bool was_killed_at(std::size_t node, instant when) const {
    return std::any_of(past_.faults.begin(), past_.faults.end(), [&](const fault_record& f) {
      return f.kind == fault_kind::crash && f.node == node && f.from == when;
    });
  }

  // ---- C1, C2, C3 of a value

  void check_value(const request_record& of) {
    if (of.is_change()) return;
    if (!of.is_intact) return blame(of, "C1: bytes that nobody wrote");
    const value_label& label = *of.label;
    if (label.keyspace != of.keyspace || label.key != of.key)
      return blame(of, "C1: the value of " + label.keyspace + "/" + label.key);
    const std::optional<instant> made = made_at(label);
    if (!made) return blame(of, "C1: a value of no load and no put");
    const duration age = of.started - *made;
    if (age > stretched(ttl_of(of.keyspace)) + clock_slack)
      blame(of, "C2: made " + text(age) + " before the read began");
    check_freshness(of, label.version);
  }

  std::optional<instant> made_at(const value_label& label) const {
    if (label.made_by == maker::put) {
      const auto found = puts_.find(label.number);
      if (found == puts_.end() || *found->second->label != label) return std::nullopt;
      // Its TTL runs from when the owner got it, which a freeze or a cut may delay.
      const request_record& put = *found->second;
      return put.end == request_end::ok ? put.ended : put.started + late_change;
    }
    if (label.number == 0 || label.number > source_.loads().size()) return std::nullopt;
    const load_record& load = source_.loads()[label.number - 1];
    if (load.keyspace != label.keyspace || load.key != label.key || load.version != label.version ||
        load.end != load_end::value)
      return std::nullopt;
    return load.begun;
  }

  void check_freshness(const request_record& of, std::uint64_t version) {
    if (version >= demanded(of)) return;
    (past_.is_faulty(of.started, 20s) ? out_.stale_reads_in_faults : out_.stale_reads_calm)++;
  }

  std::uint64_t demanded(const request_record& of) const {
    const auto found = demands_.find({of.keyspace, of.key});
    return found == demands_.end() ? 0 : found->second.at(of.started);
  }

  // ---- C7: absence and errors have a cause of their own time

  void check_absence(const request_record& of) {
    const duration kept = stretched(options_of(of.keyspace).negative_ttl) + clock_slack;
    // A load may have read absence long before it ended, and waited for a frozen node after that.
    const instant from = earliest_load_that_ended_after(of, of.started - kept);
    if (source_.was_absent(of.keyspace, of.key, from, of.ended)) return;
    const auto changes = changes_.find({of.keyspace, of.key});
    if (changes != changes_.end())
      for (const request_record* change : changes->second)
        if (change->kind == request_kind::remove && change->started <= of.ended &&
            (change->end == request_end::pending || change->ended + kept >= of.started ||
             change->end != request_end::ok))
          return;
    blame(of, "C7: not found, though neither the source nor a removal said so");
  }

  instant earliest_load_that_ended_after(const request_record& of, instant when) const {
    instant earliest = when;
    const auto found = loads_.find({of.keyspace, of.key});
    if (found == loads_.end()) return earliest;
    for (const load_record* load : found->second)
      if (load->end == load_end::absent && load->ended >= when && load->begun <= of.ended)
        earliest = std::min(earliest, load->begun);
    return earliest;
  }

  void check_error(const request_record& of) {
    if (of.is_change()) return;
    const bool is_of_source = of.error == errc::source_failed || of.error == errc::too_large;
    if (!is_of_source) return;
    const load_end expected =
        of.error == errc::source_failed ? load_end::failed : load_end::too_much;
    const auto found = loads_.find({of.keyspace, of.key});
    if (found != loads_.end())
      for (const load_record* load : found->second)
        if (load->end == expected && load->ended + longest_wire >= of.started &&
            load->ended <= of.ended)
          return;
    blame(of, "C7: " + of.error.message() + ", though no load failed meanwhile");
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
    if (of.is_change()) {
      if (in_faults) out_.confirmed_in_faults.count(of.end == request_end::ok);
      return;
    }
    out_.slowest_read = std::max(out_.slowest_read, of.ended - of.started);
    if (of.started < options_.calm_until) out_.cached_in_calm.count(of.was_answered_from_cache());
    if (in_faults) out_.cached_in_faults.count(of.was_answered_from_cache());
    if (is_recovered(of.started)) {
      out_.cached_after_recovery.count(of.was_answered_from_cache());
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
    const share& cached = out_.cached_in_faults;
    if (cached.whole >= options_.least_reads_in_faults &&
        cached.value() < options_.least_cached_in_faults)
      blame(
          "activity: only " + std::to_string(cached.part) + " of " + std::to_string(cached.whole) +
          " reads during faults came from cache"
      );
    if (options_.recovered_at > 0ns) {
      if (out_.cached_after_recovery.value() < 0.9 * out_.cached_in_calm.value())
        blame("recovery: the share of cached reads stayed low");
      if (!run_.views_agree()) blame("recovery: the views still differ");
      for (std::size_t a = 0; a != run_.size(); ++a)
        for (std::size_t b = 0; b != run_.size(); ++b)
          if (a != b && !run_.reaches(a, b))
            blame("recovery: " + cluster::id_of(a) + " does not reach " + cluster::id_of(b));
    }
    if (const auto dropped = run_.wires().counts().replies_dropped; dropped != 0)
      blame("C8: " + std::to_string(dropped) + " requests of other nodes were never answered");
  }

  // ---- tables

  void gather() {
    for (const load_record& load : source_.loads())
      loads_[{load.keyspace, load.key}].push_back(&load);
    std::vector<const request_record*> clears;
    for (const request_record& request : past_.requests) {
      if (request.is_read()) continue;
      if (request.kind == request_kind::clear) {
        clears.push_back(&request);
      } else {
        changes_[{request.keyspace, request.key}].push_back(&request);
      }
      if (request.kind == request_kind::put && request.label)
        puts_[request.label->number] = &request;
    }
    for (const auto& [where, changes] : changes_)
      for (const request_record* change : changes) demand(where, *change);
    for (const auto& [where, loads] : loads_)
      for (const request_record* clear : clears)
        if (clear->keyspace == where.first) demand(where, *clear);
    for (auto& [where, of] : demands_) of.close();
  }

  void demand(const row& where, const request_record& change) {
    if (change.end != request_end::ok) return;
    demands_[where].add(
        change.ended, source_.version_at(where.first, where.second, change.started)
    );
  }

  const keyspace_options& options_of(const std::string& keyspace) const {
    for (const keyspace_options& o : run_.options().keyspaces)
      if (o.name == keyspace) return o;
    return run_.options().keyspaces[0];
  }

  milliseconds ttl_of(const std::string& keyspace) const { return options_of(keyspace).ttl; }

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
  const source_world& source_;
  const check_options& options_;
  std::map<row, std::vector<const load_record*>> loads_;
  std::map<row, std::vector<const request_record*>> changes_;
  std::map<row, demands> demands_;
  std::unordered_map<std::uint64_t, const request_record*> puts_;
  verdict out_;
};

template <class Key>
void add_counts(std::map<Key, std::uint64_t>& to, const std::map<Key, std::uint64_t>& from) {
  for (const auto& [key, count] : from) to[key] += count;
}

}  // namespace

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
  slowest_read = std::max(slowest_read, other.slowest_read);
  loads += other.loads;
  keys_loaded += other.keys_loaded;
  most_loads_of_a_key = std::max(most_loads_of_a_key, other.most_loads_of_a_key);
  add_counts(load_reasons, other.load_reasons);
  add_counts(excess_causes, other.excess_causes);
  for (std::size_t i = 0; i != at_once.size(); ++i) at_once[i] += other.at_once[i];
  stale_reads_calm += other.stale_reads_calm;
  stale_reads_in_faults += other.stale_reads_in_faults;
  hash = mix(hash ^ other.hash);
}

}  // namespace weir::sim
