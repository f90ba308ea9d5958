#include "member_table.hpp"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

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
  actions todo;
  const std::lock_guard lock(mutex_);
  publish(todo);
}

void member_table::set_candidates(std::vector<candidate> candidates) {
  actions todo;
  {
    const std::lock_guard lock(mutex_);
    for (auto& [address, each] : peers_) each.is_from_discovery = false;
    for (const auto& each : candidates) {
      if (each.id == context_->self.id || each.address == context_->self.address) continue;
      auto& known = peer_at(each.address, todo);
      known.is_from_discovery = true;
      if (!each.id.empty() && known.health.now == health::state::unproven) known.id = each.id;
    }
    for (auto each = peers_.begin(); each != peers_.end();) {
      // One that leaves is asked for what it has kept until its link ends.
      const bool is_leaving = each->second.is_linked && each->second.slot_turns != 0 &&
                              !takes_slots(each->second.slot_turns);
      if (each->second.is_from_discovery || is_leaving) {
        ++each;
        continue;
      }
      todo.disconnect.push_back(each->first);
      todo.events.push_back(
          {"peer.dropped", each->second.id, "discovery no longer names " + each->first}
      );
      each = peers_.erase(each);
    }
    publish(todo);
  }
  agreed_->set_candidates(named());
  run(todo);
}

void member_table::learn(const std::vector<member>& members) {
  actions todo;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& each : members) {
      if (each.id == context_->self.id || each.address.empty()) continue;
      const auto has_its_id = [&](const auto& known) { return known.second.id == each.id; };
      const auto found = std::find_if(peers_.begin(), peers_.end(), has_its_id);
      if (found == peers_.end()) {
        peer_at(each.address, todo);
        continue;
      }
      auto& known = found->second;
      const bool is_news =
          known.slot_turns == 0 && each.weight != 0 && known.incarnation == each.incarnation;
      if (known.is_linked || !is_news) continue;  // nobody knows better than the peer itself
      known.slot_turns = 1;
      publish(todo);
    }
  }
  run(todo);
}

void member_table::peer_seen(const identity& seen) {
  learn(
      {{.id = seen.id,
        .incarnation = seen.incarnation,
        .weight = seen.weight,
        .address = seen.address}}
  );
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
      known.health = {.since = context_->env.now()};
    }
    known.id = proven.id;
    known.incarnation = proven.incarnation;
    known.weight = proven.weight;
    known.is_linked = true;
    known.has_left = false;
    judge(known, health_event::proven, context_->env.now(), todo);
    publish(todo);
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
    const bool is_soft = cause == link_loss::timeout;
    if (!known.has_left)
      judge(known, is_soft ? health_event::missed : health_event::lost, context_->env.now(), todo);
    publish(todo);
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
      todo.events.push_back({"peer.left", known.id, "it said that it goes"});
    }
    publish(todo);
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
    publish(todo);
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
  named_nodes out;
  for (const auto& [address, each] : peers_) {
    if (!each.is_from_discovery) continue;
    if (each.id.empty()) {
      ++out.unproven;
    } else {
      out.ids.insert(each.id);
    }
  }
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
}

std::vector<member_status> member_table::status() const {
  const auto route = context_->route.get();
  const std::lock_guard lock(mutex_);
  const auto now = context_->env.now();
  const auto& self = context_->self;
  std::vector<member_status> out{{
      .id = self.id,
      .address = self.address,
      .incarnation = self.incarnation,
      .weight = self.weight,
      .state = member_state::reachable,
      .is_self = true,
      .is_in_ring = true,
  }};
  for (const auto& [address, each] : peers_) {
    const bool is_gone = each.has_left && !each.is_linked;  // which is nobody's failure
    const auto* in_ring = each.id.empty() ? nullptr : route->members.find(each.id);
    out.push_back({
        .id = each.id,
        .address = address,
        .incarnation = each.incarnation,
        .weight = each.weight,
        .state = is_gone ? member_state::unreachable : static_cast<member_state>(each.health.now),
        .is_in_ring = in_ring != nullptr && in_ring->address == address,
        .rtt = each.rtt,
        .since = std::chrono::duration_cast<milliseconds>(now - each.health.since),
        .last_failure = each.last_failure,
    });
  }
  std::sort(out.begin() + 1, out.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return out;
}

std::vector<std::string> member_table::linked_addresses() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [address, each] : peers_) {
    if (each.is_linked) out.push_back(address);
  }
  return out;
}

void member_table::on_event(std::function<void(const cluster_event&)> listener) {
  const std::lock_guard lock(mutex_);
  listener_ = std::move(listener);
}

}  // namespace weir
