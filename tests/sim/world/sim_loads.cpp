#include "tests/sim/world/sim_loads.hpp"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace weir::sim {

namespace {

using row = std::pair<std::string, std::string>;

constexpr std::string_view no_cause = "NO CAUSE";

// How long after its cure a fault may still explain a detour: the longest ejection and its probes.
constexpr duration echo = 20s;
constexpr duration a_heartbeat = 1200ms;  // and what it takes on the way

constexpr duration longest_wait = 3s;
constexpr duration slots_taken = 5s;  // after a restart: a lease, a second, and who hears of it

enum class role { owner, gutter, other };

class load_table {
 public:
  load_table(cluster& run, const check_options& options, verdict& out)
      : run_(run),
        past_(run.past()),
        only_freezes_(options.only_freezes),
        silences_(run.wires().silences()),
        out_(out) {}

  void fill() {
    std::map<row, std::vector<const load_record*>> by_key;
    for (const load_record& load : run_.source().loads())
      by_key[{load.keyspace, load.key}].push_back(&load);
    for (const request_record& request : past_.requests)
      if (request.is_change() || request.kind == request_kind::fresh_get)
        changes_[{request.keyspace, request.key}].push_back(&request);
    for (const auto& [where, loads] : by_key) {
      out_.loads += loads.size();
      ++out_.keys_loaded;
      out_.most_loads_of_a_key = std::max<std::uint64_t>(out_.most_loads_of_a_key, loads.size());
      for (std::size_t i = 0; i != loads.size(); ++i) examine(loads, i);
    }
  }

 private:
  void examine(const std::vector<const load_record*>& loads, std::size_t position) {
    const load_record& load = *loads[position];
    count(out_.load_reasons, load, reason(loads, position));
    std::vector<const load_record*> beside;
    for (std::size_t i = 0; i != position; ++i)
      if (counts_until(*loads[i]) > load.begun) beside.push_back(loads[i]);
    ++out_.at_once[std::min(beside.size() + 1, out_.at_once.size() - 1)];
    if (!beside.empty()) count(out_.excess_causes, load, cause(load, beside));
  }

  void count(
      std::map<std::string, std::uint64_t>& table, const load_record& load, std::string why
  ) {
    if (why == no_cause)
      out_.violations.push_back(
          "C6: load " + std::to_string(load.number) + " of " + load.keyspace + '/' + load.key +
          " at " + cluster::id_of(load.node) + " for " +
          cluster::id_of(run_.owner(load.key, load.keyspace, load.begun)) + ", begun at " +
          std::to_string(static_cast<double>(load.begun.count()) / 1e9) +
          (&table == &out_.load_reasons ? " s: nothing called for it"
                                        : " s: another was running, and nothing explains both")
      );
    ++table[std::move(why)];
  }

  // A load given up at its time-out no longer counts.
  instant counts_until(const load_record& load) const {
    const milliseconds timeout = options_of(load.keyspace).loads.timeout;
    const auto& clock = run_.clock(load.node);
    const instant given_up = clock.when(clock.at(load.begun) + timeout);
    return load.end == load_end::running ? given_up : std::min(load.ended, given_up);
  }

  // ---- why the source was asked at all

  std::string reason(const std::vector<const load_record*>& loads, std::size_t position) const {
    const load_record& load = *loads[position];
    switch (role_of(load)) {
      case role::gutter:
        return was_silent(load) ? "gutter: a silent owner" : detour("gutter", load);
      case role::other:
        return detour("pass-through", load);
      case role::owner:
        break;
    }
    const load_record* before = nullptr;
    bool was_loaded_by_former_life = false;
    for (std::size_t i = 0; i != position; ++i) {
      if (loads[i]->node != load.node) continue;
      if (loads[i]->incarnation == load.incarnation) {
        before = loads[i];
      } else {
        was_loaded_by_former_life = true;
      }
    }
    if (before == nullptr) return was_loaded_by_former_life ? "owner restarted empty" : "first";
    if (is_changed_between(load, before->begun, load.begun)) return "after a change";
    if (was_leaseless(load.node, before->begun - longest_wait, load.begun))
      return "without a lease, or after its loss";
    if (before->end == load_end::failed || before->end == load_end::too_much)
      return "after a failed load";
    if (counts_until(*before) <= load.begun && ended(*before) > counts_until(*before))
      return "after a load timed out";
    const keyspace_options& options = options_of(load.keyspace);
    const milliseconds kept = before->end == load_end::absent ? options.negative_ttl : options.ttl;
    const double least = static_cast<double>(duration(kept).count()) * (1 - options.jitter) / 1.021;
    const duration age = load.begun - before->begun;
    if (static_cast<double>((age + 10ms).count()) >= least)
      return before->end == load_end::absent ? "absence expired" : "expired";
    if (options.max_memory < small_budget) return "evicted";
    return unsettled(before->begun, load.begun);
  }

  std::string detour(const std::string& what, const load_record& load) const {
    const std::size_t owner = run_.owner(load.key, load.keyspace, load.begun);
    const std::string_view why = fault_near(load.node, owner, load.begun);
    const bool is_gutter = role_of(load) == role::gutter;
    if (only_freezes_ && is_gutter && !was_routed_around(owner, load.begun))
      return std::string(no_cause);
    return why == no_cause ? std::string(why) : what + ": " + std::string(why);
  }

  // A key whose owner is silent may load at its gutter node too, if what is put there is elsewhere
  // as well. A node that stood still does late what it was asked before.
  bool was_silent(const load_record& load) const {
    if (options_of(load.keyspace).writes == writes::allow) return false;
    const std::size_t owner = run_.owner(load.key, load.keyspace, load.begun);
    instant since = load.begun - on_the_way;
    for (const fault_record& fault : past_.faults)
      if (fault.kind == fault_kind::freeze && fault.node == load.node && fault.until > since &&
          fault.from <= load.begun)
        since = std::min(since, fault.from - on_the_way);
    return std::any_of(silences_.begin(), silences_.end(), [&](const silence& each) {
      return each.silent == cluster::address_of(owner) && each.from <= load.begun &&
             each.until >= since;
    });
  }

  // Three heartbeats in a row missed it, in one freeze or in several with no time between them for
  // an answer; and the longest ejection after it.
  bool was_routed_around(std::size_t owner, instant when) const {
    std::map<instant, instant> freezes;
    for (const fault_record& fault : past_.faults)
      if (fault.kind == fault_kind::freeze && fault.node == owner && fault.from <= when)
        freezes[fault.from] = std::min(fault.until, when);
    instant since = -least_verdict;
    instant last = since;
    for (const auto& [from, until] : freezes) {
      if (from > last + between_heartbeats) since = from;
      last = until;
      if (last - since >= least_verdict && when < last + echo) return true;
    }
    return false;
  }

  // ---- why it was asked while it was answering

  std::string cause(const load_record& load, const std::vector<const load_record*>& beside) const {
    bool is_same_life = false;
    for (const load_record* other : beside)
      if (other->incarnation == load.incarnation) {
        is_same_life = true;
        if (is_changed_between(load, other->begun, load.begun)) return "overtaken by a change";
        // Flights that nobody may join wait for their turn, and may begin when the lease is back.
        if (was_leaseless(load.node, other->begun - longest_wait, load.begun))
          return "without a lease";
      }
    // Who passes through asked a gutter node before, and nobody joins that: see
    // fetch_without_owner().
    const bool is_second = is_same_life && role_of(load) != role::other;
    if (is_second && only_freezes_) return std::string(no_cause);
    if (is_second) return unsettled(load.begun, load.begun);
    const std::size_t owner = run_.owner(load.key, load.keyspace, load.begun);
    std::string_view why = fault_near(load.node, owner, load.begun);
    for (const load_record* other : beside)
      if (why == no_cause) why = fault_near(other->node, owner, load.begun);
    if (why == no_cause) return std::string(why);
    const bool is_through = role_of(load) == role::other || role_of(*beside[0]) == role::other;
    return (is_through ? "pass-through: " : "owner and gutter: ") + std::string(why);
  }

  // C6 holds with agreeing views. A member that comes back may also have lost what it had to tell,
  // and others then trust nothing that they keep; what was loaded before it took its slots is not
  // taken over by its new term.
  std::string unsettled(instant since, instant when) const {
    for (const fault_record& fault : past_.faults) {
      if (fault.kind == fault_kind::wires || fault.from > when) continue;
      const bool has_ended = fault.until != instant::max();
      const duration after = fault.is_of_membership() ? echo : longest_wait;
      const bool moves_slots = fault.kind == fault_kind::crash && since < fault.until + slots_taken;
      if (has_ended && when >= fault.until + after && !moves_slots) continue;
      return fault.is_of_membership() ? "the membership changes" : "around a fault";
    }
    return std::string(no_cause);
  }

  // ---- parts

  role role_of(const load_record& load) const {
    if (run_.owner(load.key, load.keyspace, load.begun) == load.node) return role::owner;
    if (run_.gutter(load.key, load.keyspace, load.begun) == load.node) return role::gutter;
    return role::other;
  }

  // C6 holds for nodes that hold leases: others load for each reader, and may come back empty.
  bool was_leaseless(std::size_t node, instant from, instant to) const {
    const auto first = std::lower_bound(
        past_.lease_losses.begin(),
        past_.lease_losses.end(),
        from,
        [](const lease_loss& loss, instant when) { return loss.when < when; }
    );
    for (auto loss = first; loss != past_.lease_losses.end() && loss->when <= to; ++loss)
      if (loss->node == node) return true;
    return false;
  }

  bool is_changed_between(const load_record& load, instant from, instant to) const {
    for (const std::string& key : {load.key, std::string()}) {  // the empty key: clear
      const auto found = changes_.find({load.keyspace, key});
      if (found == changes_.end()) continue;
      for (const request_record* change : found->second) {
        // One that was not confirmed may still lie on the way to a node that is frozen or cut off.
        // While anything is wrong, records also arrive twice, by way of others, or as hints; the
        // last of them with the heartbeat after the OK.
        const bool is_over = change->end == request_end::ok && !past_.is_faulty(change->ended, 4s);
        const instant end = std::max(change->started, change->ended);
        const instant last = is_over ? end + a_heartbeat : thawed_after(end) + echo;
        if (change->started <= to && last >= from) return true;
      }
    }
    return false;
  }

  // When the last of those who froze with something to tell of that time goes on.
  instant thawed_after(instant when) const {
    instant thawed = when;
    for (const fault_record& fault : past_.faults)
      if (fault.kind == fault_kind::freeze && fault.from <= when + echo && fault.until > when)
        thawed = std::max(thawed, fault.until);
    return thawed;
  }

  // The worst fault that may have led a request for a key of `owner` to `node`.
  std::string_view fault_near(std::size_t node, std::size_t owner, instant when) const {
    std::string_view found = no_cause;
    int worst = 0;
    for (const fault_record& fault : past_.faults) {
      const bool is_near =
          fault.from <= when && (fault.until == instant::max() || when < fault.until + echo);
      if (!is_near) continue;
      const bool concerns_both = fault.concerns(owner) || fault.concerns(node);
      const int weight = (fault.concerns(owner) ? 10 : 0) + (concerns_both ? 5 : 1) +
                         (fault.kind == fault_kind::wires ? 0 : 20);
      if (weight <= worst) continue;
      worst = weight;
      found = name(fault.kind);
    }
    return found;
  }

  static instant ended(const load_record& load) {
    return load.end == load_end::running ? instant::max() : load.ended;
  }

  const keyspace_options& options_of(const std::string& keyspace) const {
    for (const keyspace_options& o : run_.options().keyspaces)
      if (o.name == keyspace) return o;
    return run_.options().keyspaces[0];
  }

  static constexpr duration on_the_way =
      1s;  // from the end of a silence until who heard of it loads
  static constexpr duration least_verdict = 2200ms;
  static constexpr duration between_heartbeats = 1200ms;
  static constexpr std::uint64_t small_budget = 1u << 20;

  cluster& run_;
  const history& past_;
  const bool only_freezes_;
  const std::vector<silence> silences_;
  verdict& out_;
  std::map<row, std::vector<const request_record*>> changes_;
};

}  // namespace

void count_loads(cluster& run, const check_options& options, verdict& out) {
  load_table(run, options, out).fill();
}

}  // namespace weir::sim
