// Who is in the cluster as this node sees it, and who of them owns slots.
//
// The idea. Three questions that look like one are kept apart. Who counts when a change is
// confirmed? The electorate, by agreement. Who owns a key? The ring: everybody whom discovery names
// or a handshake proved, with the weight that its slot turns say. Who can be asked now? Health, by
// probes. A node that is silent keeps its slots, as moving them costs loads twice; its reads go to
// the gutter node. A newcomer gets slots two round trips after its handshake, with its first lease:
// what an owner without one loads is kept by nobody (docs/protocol.md has the eight steps).
//
// publish() (member_slots.cpp) is the only place where a routing is made. In this order, under the
// lock: terms of lost slots end, near copies of other owners end, keyspaces note the gain, terms of
// gained slots begin, the routing is swapped. A reader that sees the old routing meets a closed
// term, never an open one with an old epoch.
//
// The lock comes after the agreement's, which asks address_of() under its own: the table calls the
// agreement only with its own lock released. Events, dials and goodbyes are collected in `actions`
// and done after the release.
//
// Races that were cured:
//
// 1. Slot turns overtake each other.
//      N takes slots (turn 1), is drained (turn 2); M reads the answer with turn 2, then the
//      heartbeat with turn 1, and routes to a node that has said goodbye.
//    Turns count up within one life; a lower one is ignored (slots_told).
// 2. A restarted node and its former life.
//      N dies and comes back; M still has the link of the former life, which breaks now and would
//      mark the new one unreachable.
//    What is told of a life with another incarnation changes nothing.
// 3. A round of heartbeats that comes late.
//      This node stands still for 3 s; every peer seems to have missed three probes.
//    A round that is late counts no miss (verdict::void_if_missed).
// 4. Discovery drops a member that answers.
//      A rolling update names pods late; the node that is off the list still holds a lease.
//    It stays until it falls silent for 5 s, with every provider.

#include "membership/member_table.hpp"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

constexpr std::size_t max_strangers = 32;  // dialled at a time though no other node named them
constexpr std::size_t max_peers = 1'024;
constexpr milliseconds conflict_lasts{5'000};
constexpr milliseconds conflict_told_every{60'000};

std::string_view name(link_loss cause) {
  switch (cause) {
    case link_loss::refused:
      return "refused";
    case link_loss::reset:
      return "reset";
    case link_loss::timeout:
      return "timeout";
    case link_loss::rejected:
      return "rejected";
  }
  return "lost";
}

}  // namespace

std::string_view name(member_state state) noexcept {
  switch (state) {
    case member_state::unproven:
      return "unproven";
    case member_state::reachable:
      return "reachable";
    case member_state::unreachable:
      return "unreachable";
    case member_state::draining:
      return "draining";
    case member_state::left:
      return "left";
  }
  return "unknown";
}

std::string_view name(config_state state) noexcept {
  switch (state) {
    case config_state::unknown:
      return "unknown";
    case config_state::same:
      return "same";
    case config_state::differs:
      return "differs";
  }
  return "unknown";
}

member_table::member_table(
    std::shared_ptr<engine_context> context,
    std::shared_ptr<agreement> agreed,
    ring_settings ring,
    health_settings settings
)
    : context_(std::move(context)),
      agreed_(std::move(agreed)),
      ring_settings_(ring),
      settings_(settings) {}

void member_table::begin() {
  const std::lock_guard lock(mutex_);
  publish();
  ring_told_ = owners_of(*context_->route.get());
}

void member_table::set_candidates(std::vector<candidate> candidates) {
  actions todo;
  {
    const std::lock_guard lock(mutex_);
    const auto has_mark = [](const auto& each) { return each.is_serving.has_value(); };
    const bool is_marked = std::any_of(candidates.begin(), candidates.end(), has_mark);
    // After its first answer, or a failure, it is unknown how long a node has served.
    const auto heeded = std::exchange(is_marked_, is_marked) ? heeded_after : milliseconds(0);
    for (auto& [address, each] : peers_)
      each.is_dropped |= std::exchange(each.is_from_discovery, false);
    for (const auto& each : candidates) {
      if (each.id == context_->self.id || each.address == context_->self.address) {
        told(own_mark_, each, heeded);
        continue;
      }
      auto& known = peer_at(each.address, todo);
      told(known.mark, each, heeded);
      known.is_from_discovery = true;
      known.is_dropped = false;
      known.is_stranger = false;
      if (!each.id.empty() && known.health.now == health::state::unproven) known.id = each.id;
    }
    for (auto each = peers_.begin(); each != peers_.end();) {
      // One that leaves is asked for what it has kept until its link ends; one that answers goes on
      // with its work until it says goodbye or falls silent.
      const bool is_leaving = each->second.is_linked && each->second.slot_turns != 0 &&
                              !takes_slots(each->second.slot_turns);
      if (each->second.is_from_discovery || is_leaving || is_there(each->second)) {
        ++each;
        continue;
      }
      todo.disconnect.push_back(each->first);
      todo.events.push_back(
          {"peer.dropped", each->second.id, "discovery no longer names " + each->first}
      );
      each = peers_.erase(each);
    }
    publish();
  }
  agreed_->set_candidates(named());
  run(todo);
}

void member_table::told(serving_mark& of, const candidate& by, milliseconds heeded) const {
  if (by.is_serving || context_->rules.doubt_lost_marks)
    of.told(by.is_serving, context_->env.now(), heeded);
}

void member_table::learn(const std::vector<member>& members) {
  learn(members, named_by::member);
}

void member_table::learn(const std::vector<member>& members, named_by whom) {
  actions todo;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& each : members) {
      if (each.id == context_->self.id || each.address.empty()) continue;
      const auto has_its_id = [&](const auto& known) { return known.second.id == each.id; };
      const auto found = std::find_if(peers_.begin(), peers_.end(), has_its_id);
      if (found == peers_.end()) {
        const bool is_new = !peers_.contains(each.address);
        if (is_new && peers_.size() >= max_peers) continue;
        auto& named = peer_at(each.address, todo);
        named.is_stranger = whom == named_by::itself && (is_new || named.is_stranger);
        if (whom == named_by::member) named.told_id = each.id;
        continue;
      }
      auto& known = found->second;
      const bool is_news =
          known.slot_turns == 0 && each.weight != 0 && known.incarnation == each.incarnation;
      if (known.is_linked || !is_news) continue;  // the peer itself knows best
      known.slot_turns = 1;
      publish();
    }
  }
  run(todo);
}

void member_table::peer_seen(const identity& seen) {
  {
    const std::lock_guard lock(mutex_);
    const auto is_stranger = [](const auto& each) { return each.second.is_stranger; };
    const auto strangers = std::count_if(peers_.begin(), peers_.end(), is_stranger);
    const bool is_full = static_cast<std::size_t>(strangers) >= max_strangers;
    if (seen.address.empty() || is_full || peers_.contains(seen.address)) return;
  }
  const member named{
      .id = seen.id,
      .incarnation = seen.incarnation,
      .weight = seen.weight,
      .address = seen.address,
  };
  learn({named}, named_by::itself);
}

void member_table::link_up(const std::string& address, const identity& proven) {
  actions todo;
  {
    const std::lock_guard lock(mutex_);
    const auto found = peers_.find(address);
    if (found == peers_.end()) return;
    auto& known = found->second;
    if (!known.id.empty() && known.id != proven.id) {
      todo.events.push_back({"peer.renamed", proven.id, address + " was expected to be " + known.id}
      );
    }
    if (known.id != proven.id || known.incarnation != proven.incarnation) {
      // A new life: what is held against the former one says nothing about it.
      known.keeps_place = takes_slots(known.slot_turns) && !known.has_left;
      known.slot_turns = 0;
      known.is_draining = false;
      known.health = {.since = context_->env.now()};
    }
    known.id = proven.id;
    known.incarnation = proven.incarnation;
    known.weight = proven.weight;
    known.was_met = true;
    known.is_linked = true;
    known.has_left = false;
    known.has_said_goodbye = false;
    known.is_stranger = false;
    known.early_pings = 0;
    judge(known, health_event::proven, context_->env.now(), todo);
    publish();
  }
  agreed_->member_proven({proven.id, proven.incarnation}, named());
  run(todo);
  agreed_->link_changed(proven.id);
  probe(address, verdict::counts);
}

void member_table::link_down(const std::string& address, link_loss cause) {
  actions todo;
  {
    const std::lock_guard lock(mutex_);
    const auto found = peers_.find(address);
    if (found == peers_.end()) return;
    auto& known = found->second;
    known.is_linked = false;
    known.last_failure = name(cause);
    known.failed_at = context_->env.now();
    const bool is_soft = cause == link_loss::timeout;
    if (!known.has_left)
      judge(known, is_soft ? health_event::missed : health_event::lost, context_->env.now(), todo);
    publish();
    todo.linked.push_back(known.id);
  }
  run(todo);
  for (const auto& id : todo.linked) agreed_->link_changed(id);
}

void member_table::peer_leaves(const identity& leaving) {
  actions todo;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [address, known] : peers_) {
      if (known.id != leaving.id || known.incarnation != leaving.incarnation) continue;
      known.has_left = true;
      known.has_said_goodbye = true;
      todo.events.push_back({"peer.left", known.id, "it said that it goes"});
    }
    publish();
  }
  agreed_->member_left(leaving.id);
  run(todo);
}

void member_table::member_gone(const std::string& id) {
  actions todo;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [address, known] : peers_) {
      if (known.id == id && !known.is_linked) known.has_left = true;
    }
    publish();
  }
  run(todo);
}

std::string member_table::address_of(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [address, each] : peers_) {
    if (each.id == id && each.is_linked) return address;
  }
  return {};
}

named_nodes member_table::named() const {
  const std::lock_guard lock(mutex_);
  const auto now = context_->env.now();
  named_nodes out;
  for (const auto& [address, each] : peers_) {
    if (!each.is_from_discovery) continue;
    if (!each.was_met) {
      out.strangers[address] = {.id = each.id, .is_idle = each.mark.is_idle(now)};
      continue;
    }
    out.ids.insert(each.id);
    if (each.mark.is_idle(now)) out.idle.insert(each.id);
    if (!each.mark.is_vouched(now)) out.unvouched.insert(each.id);
  }
  const bool is_marked = std::any_of(peers_.begin(), peers_.end(), [](const auto& each) {
    return each.second.mark.is_used();
  });
  if (is_marked && !(own_mark_.is_used() && own_mark_.is_vouched(now)))
    out.unvouched.insert(context_->self.id);
  return out;
}

void member_table::report(const cluster_event& event) const {
  std::function<void(const cluster_event&)> listener;
  {
    const std::lock_guard lock(mutex_);
    if (!is_stopped_) listener = listener_;
  }
  if (listener) listener(event);
}

member_table::peer& member_table::peer_at(const std::string& address, actions& todo) {
  const auto [found, is_new] = peers_.try_emplace(address);
  if (is_new) {
    found->second.address = address;
    found->second.health.since = context_->env.now();
    found->second.heard = context_->env.now();
    found->second.shown_since = context_->env.now();
    todo.connect.push_back(address);
    todo.events.push_back({"peer.candidate", address, "dialling it"});
  }
  return found->second;
}

void member_table::run(actions& todo) {
  std::function<void(const cluster_event&)> listener;
  {
    const std::lock_guard lock(mutex_);
    if (is_stopped_) return;
    listener = listener_;
  }
  if (context_->network != nullptr) {
    for (const auto& each : todo.connect) context_->network->connect(each);
    for (const auto& each : todo.abandon) context_->network->abandon(each);
    for (const auto& each : todo.disconnect) context_->network->disconnect(each);
  }
  if (!listener) return;
  for (const auto& each : todo.events) listener(each);
}

void member_table::stop() {
  const std::lock_guard lock(mutex_);
  is_stopped_ = true;
  context_->env.cancel(timer_);
  context_->env.cancel(slots_timer_);
  context_->env.cancel(ring_timer_);
}

void member_table::id_taken(const id_conflict& found) {
  const auto now = context_->env.now();
  {
    const std::lock_guard lock(mutex_);
    const bool is_same = conflict_ && conflict_->text == found.text;
    conflict_ = found;
    conflict_at_ = now;
    if (is_same && now - conflict_told_ < conflict_told_every) return;
    conflict_told_ = now;
  }
  report({"node.id_taken", "", found.text + "; give each node an id of its own"});
}

std::optional<id_conflict> member_table::conflict() const {
  const std::lock_guard lock(mutex_);
  const bool is_over = context_->env.now() - conflict_at_ > conflict_lasts;
  const auto is_linked = [](const auto& each) { return each.second.is_linked; };
  if (is_over || std::any_of(peers_.begin(), peers_.end(), is_linked)) return std::nullopt;
  return conflict_;
}

void member_table::on_event(std::function<void(const cluster_event&)> listener) {
  const std::lock_guard lock(mutex_);
  listener_ = std::move(listener);
}

}  // namespace weir
