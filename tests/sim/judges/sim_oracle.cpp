#include "tests/sim/judges/sim_oracle.hpp"

#include <algorithm>
#include <cstdio>

namespace weir::sim {

namespace {

constexpr duration clock_slack = 20ms;  // coarse clocks and late timers
constexpr double slowest_clock = 0.98;  // TTLs and leases run on clocks within 2 %

// A reader may join a flight whose failure is already on its way to this node: as long as a message
// takes in calm, and as long as the worst one takes while wires, cuts or freezes delay it.
constexpr duration calm_wire = 250ms;
constexpr duration worst_wire = 2s;

// C4: what an operator is told to wait for when a change is partial.
constexpr milliseconds promised_bound{3300};

duration stretched(milliseconds time) {
  return duration(
      static_cast<std::int64_t>(static_cast<double>(duration(time).count()) / slowest_clock)
  );
}

}  // namespace

std::optional<std::string> oracle::judge(const request_record& of) {
  switch (of.end) {
    case request_end::value:
    case request_end::not_found: {
      auto wrong = judge_answer(of);
      learn_version(of);
      return wrong;
    }
    case request_end::failed:
      return judge_error(of);
    case request_end::ok:
    case request_end::partial: {
      auto wrong = judge_change(of);
      demand(of);
      learn_version(of);
      return wrong;
    }
    case request_end::pending:
    case request_end::died:
      break;
  }
  return std::nullopt;
}

// ---- answers: C1, C2, C3, C4, C5, C7

oracle::verdict_text oracle::judge_answer(const request_record& of) {
  const bool is_value = of.end == request_end::value;
  if (is_value && !of.is_intact)
    return "C1: " + std::to_string(of.size) + " bytes that nobody wrote, version seq " +
           std::to_string(of.version.seq) + ", from " +
           std::to_string(static_cast<int>(of.from.from));
  if (!is_value && !of.label) {
    if (auto wrong = judge_unlabelled_absence(of)) return wrong;
    return judge_session(of);
  }
  instant made{0};
  milliseconds kept{0};
  if (auto wrong = made_at(of, made, kept)) return wrong;
  if (auto wrong = judge_made(of, made, kept)) return wrong;
  if (auto wrong = judge_told(of)) return wrong;
  return judge_session(of);
}

// What the source's feed told is binding for the memory of the node that heard it, and a change is
// news for so long.
oracle::verdict_text oracle::judge_told(const request_record& of) const {
  constexpr duration longest_news = 5s;
  if (!source_.feeds().is_told(of.keyspace)) return std::nullopt;
  const auto version_at = [&](instant when) {
    return source_.version_at(of.keyspace, of.key, when);
  };
  const auto past = of.started - longest_news - clock_slack;
  if (of.label->version < version_at(past))
    return "C9: version " + std::to_string(of.label->version) + ", but at " + text(past) +
           " the source had " + std::to_string(version_at(past));
  const bool is_of_memory =
      of.from.from == served_from::memory || of.from.from == served_from::near;
  if (!is_of_memory || of.from.collapsed || !of.from.node.empty()) return std::nullopt;
  for (const std::string& key : {of.key, std::string()}) {
    const auto found = told_.find({of.incarnation, {of.keyspace, key}});
    if (found == told_.end()) continue;
    const auto heard = found->second.at(of.started).value;
    if (heard == instant() || of.label->version >= version_at(heard)) continue;
    return "C9: version " + std::to_string(of.label->version) +
           " from the memory of a node that was told at " + text(heard) +
           (key.empty() ? " that all may have changed" : " of a change");
  }
  return std::nullopt;
}

void oracle::told(
    owner_id life, const std::string& keyspace, const std::string& key, instant made
) {
  told_[{life, {keyspace, key}}].raise(world_.now(), made, 0);
}

void oracle::told_of_reset(owner_id life, const std::string& keyspace) {
  told_[{life, {keyspace, {}}}].raise(world_.now(), world_.now(), 0);
}

// When the value was made, at the latest, and for how long it may be kept.
oracle::verdict_text oracle::made_at(const request_record& of, instant& made, milliseconds& kept)
    const {
  const value_label& label = *of.label;
  const bool is_value = of.end == request_end::value;
  const keyspace_options& options = options_of(of.keyspace);
  if (label.keyspace != of.keyspace || label.key != of.key)
    return "C1: the value of " + label.keyspace + '/' + label.key;
  kept = is_value ? options.ttl : std::min(options.ttl, options.negative_ttl);
  if (label.made_by == maker::put) {
    if (!is_value || label.number == 0 || label.number > past_.put_requests.size())
      return "C1: a value that nobody put";
    const request_record& put = past_.requests[past_.put_requests[label.number - 1] - 1];
    if (*put.label != label) return "C1: not the bytes that were put";
    made = latest_effect(put);
    kept = put.ttl.value_or(kept);
    return std::nullopt;
  }
  if (label.number == 0 || label.number > source_.loads().size()) return "C1: a value of no load";
  const load_record& load = source_.loads()[label.number - 1];
  const auto expected = is_value ? load_end::value : load_end::absent;
  if (load.keyspace != label.keyspace || load.key != label.key || load.version != label.version ||
      load.end != expected)
    return "C1: not what load " + std::to_string(load.number) + " answered";
  made = load.begun;
  return std::nullopt;
}

// A put takes effect when a node that owns the key gets it; with changing membership its own node
// may turn out to be that one, up to its end.
instant oracle::latest_effect(const request_record& put) const {
  const bool may_move =
      std::any_of(past_.faults.begin(), past_.faults.end(), [&](const fault_record& f) {
        return f.is_of_membership() && f.from <= put.received;
      });
  if (!may_move) return put.received;
  return std::max(put.received, put.endings == 0 ? world_.now() : put.ended);
}

oracle::verdict_text oracle::judge_made(const request_record& of, instant made, milliseconds kept) {
  const duration age = of.started - made;
  if (age > stretched(kept) + clock_slack)
    return "C2: made " + text(age) + " before the read began";
  const auto wanted = demanded(of);
  const auto least_seq = [&]() -> staircase<std::uint64_t>::step {
    const auto found = seq_demands_.find({{of.keyspace, of.key}, of.version.epoch});
    if (!of.version || found == seq_demands_.end()) return {};
    return found->second.at(of.started);
  }();
  const bool is_old = made < wanted.value;
  const bool is_old_version = of.version.seq < least_seq.value;
  if (!is_old && !is_old_version) return std::nullopt;
  if (options_of(of.keyspace).consistency == consistency::available) {
    ++stale_in_available_;
    return std::nullopt;
  }
  const std::uint64_t number = is_old ? wanted.request : least_seq.request;
  const request_record& change = past_.requests[number - 1];
  return std::string(change.end == request_end::partial ? "C4" : "C3") + ": stale, made at " +
         text(made) + " (" + (of.label->made_by == maker::put ? "put " : "load ") +
         std::to_string(of.label->number) + "), but request " + std::to_string(change.number) +
         " (" + std::string(name(change.kind)) + " at n" + std::to_string(change.node) +
         ") was issued at " + text(change.started) + " and ended " + std::string(name(change.end)) +
         " at " + text(change.ended) + (is_old ? "" : ", with a later version");
}

oracle::verdict_text oracle::judge_unlabelled_absence(const request_record& of) {
  const auto removed = last_removal_.find({of.keyspace, of.key});
  if (removed == last_removal_.end())
    return "C7: absent, though neither source nor removal said so";
  const duration kept = stretched(options_of(of.keyspace).negative_ttl) + clock_slack;
  if (of.started - removed->second > kept)
    return "C7: absent long after the removal at " + text(removed->second);
  if (const auto wanted = demanded(of);
      removed->second < wanted.value && options_of(of.keyspace).consistency == consistency::strict)
    return "C3: absent by a removal before request " + std::to_string(wanted.request);
  return std::nullopt;
}

oracle::verdict_text oracle::judge_session(const request_record& of) {
  if (of.session == 0 || !of.version) return std::nullopt;
  auto& seen = seen_[{of.incarnation, of.session, row{of.keyspace, of.key}, of.version.epoch}];
  const auto before = seen.at(of.started);
  seen.raise(of.ended, of.version.seq, of.number);
  if (of.version.seq >= before.value) return std::nullopt;
  if (options_of(of.keyspace).consistency == consistency::available) return std::nullopt;
  return "C5: version " + std::to_string(of.version.seq) + ", but request " +
         std::to_string(before.request) + " of its session had " + std::to_string(before.value) +
         " of the same epoch";
}

oracle::verdict_text oracle::judge_error(const request_record& of) {
  if (of.is_change()) return std::nullopt;
  const bool is_of_source = of.error == errc::source_failed || of.error == errc::too_large;
  if (!is_of_source) return std::nullopt;
  const auto expected = of.error == errc::source_failed ? load_end::failed : load_end::too_much;
  for (const std::size_t index : loads_of({of.keyspace, of.key})) {
    const load_record& load = source_.loads()[index];
    const bool is_delayed = past_.is_faulty(load.ended, worst_wire);
    if (load.end == expected && load.ended + (is_delayed ? worst_wire : calm_wire) >= of.started)
      return std::nullopt;
  }
  return "C7: " + of.error.message() + ", though no load failed meanwhile";
}

// ---- changes

oracle::verdict_text oracle::judge_change(const request_record& of) {
  const bool is_strict = options_of(of.keyspace).consistency == consistency::strict;
  if (of.end == request_end::partial && is_strict) {
    if (of.unconfirmed.empty()) return "C4: partial, and nobody is named";
    if (of.bound != promised_bound)
      return "C4: partial with a bound of " + std::to_string(of.bound.count()) + " ms";
  }
  if (of.basis) {
    if (auto wrong = judge_precondition(of)) return wrong;
  }
  return judge_session(of);
}

// A conditional change succeeded: nothing may have changed since its basis was observed, no later
// version may have been given to anybody, and no other owner may have come and gone.
oracle::verdict_text oracle::judge_precondition(const request_record& of) {
  const std::string held =
      "C3: a precondition of " + text(of.basis->when) + " held across request ";
  if (const auto wanted = demanded(of); wanted.value > of.basis->when)
    return held + std::to_string(wanted.request) + ", issued at " + text(wanted.value);
  const row where{of.keyspace, of.key};
  if (const auto found = versions_.find({where, of.basis->version.epoch}); found != versions_.end())
    if (const auto later = found->second.at(of.started); later.value > of.basis->version.seq)
      return held + std::to_string(later.request) + ", which was given a later version";
  for (const epoch_seen& each : epochs_[where])
    if (each.epoch != of.basis->version.epoch && each.when > of.basis->when &&
        each.when < of.started)
      return held + std::to_string(each.request) + ", which another owner answered";
  return std::nullopt;
}

void oracle::learn_version(const request_record& of) {
  if (!of.version || of.from.detail == served_detail::gutter) return;
  const row where{of.keyspace, of.key};
  versions_[{where, of.version.epoch}].raise(of.ended, of.version.seq, of.number);
  const bool agreed = of.views_at_start != 0 && of.views_at_start == of.views_at_end;
  const bool is_of_owner = of.is_change() || of.from.from == served_from::load ||
                           of.from.from == served_from::peer ||
                           (of.from.from == served_from::memory && !of.from.collapsed);
  if (!agreed || !is_of_owner) return;
  auto& epochs = epochs_[where];
  if (epochs.empty() || epochs.back().epoch != of.version.epoch)
    epochs.push_back({of.ended, of.version.epoch, of.number});
}

void oracle::demand(const request_record& change) {
  const bool is_partial = change.end == request_end::partial;
  const instant from =
      is_partial ? change.ended + stretched(change.bound) + clock_slack : change.ended;
  const row where{change.keyspace, change.kind == request_kind::clear ? std::string() : change.key};
  demands_[where].raise(from, change.started, change.number);
  if (change.version)
    seq_demands_[{where, change.version.epoch}].raise(from, change.version.seq, change.number);
}

// ---- tables

staircase<instant>::step oracle::demanded(const request_record& of) const {
  staircase<instant>::step most;
  for (const std::string& key : {of.key, std::string()}) {
    const auto found = demands_.find({of.keyspace, key});
    if (found == demands_.end()) continue;
    const auto here = found->second.at(of.started);
    if (here.value > most.value) most = here;
  }
  return most;
}

const keyspace_options& oracle::options_of(const std::string& keyspace) const {
  for (const keyspace_options& o : keyspaces_)
    if (o.name == keyspace) return o;
  return keyspaces_.front();
}

const std::vector<std::size_t>& oracle::loads_of(const row& where) {
  for (; loads_known_ != source_.loads().size(); ++loads_known_) {
    const load_record& load = source_.loads()[loads_known_];
    loads_[{load.keyspace, load.key}].push_back(loads_known_);
  }
  return loads_[where];
}

// ---- in words

std::string oracle::around(const request_record& of) const {
  constexpr duration before = 12s;
  constexpr std::size_t most_lines = 40;
  std::map<instant, std::vector<std::string>> lines;
  const auto node = [](std::size_t number) { return " n" + std::to_string(number); };
  for (const fault_record& f : past_.faults) {
    if (f.until != instant::max() && f.until + before < of.started) continue;
    std::string line = "fault " + std::string(name(f.kind)) + node(f.node);
    if (f.kind == fault_kind::cut) line += " to" + node(f.other);
    line += f.until == instant::max() ? ", still on" : ", until " + text(f.until);
    lines[f.from].push_back(std::move(line));
  }
  for (const load_record& load : source_.loads()) {
    if (load.keyspace != of.keyspace || load.key != of.key || load.begun + before < of.started)
      continue;
    lines[load.begun].push_back(
        "load " + std::to_string(load.number) + node(load.node) + " version " +
        std::to_string(load.version) + ", until " + text(load.ended)
    );
  }
  for (const request_record& r : past_.requests) {
    const bool is_of_key = r.key == of.key || r.kind == request_kind::clear;
    if (r.keyspace != of.keyspace || !is_of_key || r.started + before < of.started) continue;
    std::string line = "request " + std::to_string(r.number) + ' ' + std::string(name(r.kind)) +
                       node(r.node) + ": " + std::string(name(r.end));
    if (r.endings != 0) line += " at " + text(r.ended);
    if (r.error) line += ", " + r.error.message();
    if (r.version)
      line += ", seq " + std::to_string(r.version.seq) + " of " +
              std::to_string(r.version.epoch % 10'000);
    if (r.label)
      line +=
          (r.label->made_by == maker::put ? ", put " : ", load ") + std::to_string(r.label->number);
    for (const std::string& id : r.unconfirmed) line += ", without " + id;
    lines[r.started].push_back(std::move(line));
  }
  std::vector<std::string> all;
  for (const auto& [when, some] : lines)
    for (const std::string& line : some) all.push_back("    " + text(when) + "  " + line + '\n');
  std::string out;
  const std::size_t first = all.size() > most_lines ? all.size() - most_lines : 0;
  for (std::size_t i = first; i != all.size(); ++i) out += all[i];
  return out;
}

}  // namespace weir::sim
