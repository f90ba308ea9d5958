#include "member_table.hpp"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

constexpr milliseconds forget_learned{30'000};  // a peer that only peers named, and that is gone
constexpr milliseconds silent_after{
    30'000};  // then a member may be removed, if a majority says so too
constexpr milliseconds unnamed_after{5'000};  // one whom discovery dropped is as good as silent
constexpr milliseconds between_rounds{50};
constexpr milliseconds longest_slots_wait{16'000};

bool takes_slots(std::uint32_t turns) {
  return turns % 2 != 0;
}

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

/// What is to be done once the lock is released.
struct member_table::actions {
  std::vector<std::string> connect;
  std::vector<std::string> disconnect;
  std::vector<std::string> abandon;
  std::vector<cluster_event> events;
  std::vector<std::string> linked;  ///< ids whose links changed
};

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
  std::size_t unproven = 0;
  for (const auto& each : candidates) {
    if (each.id.empty() && each.address != context_->self.address && !is_proven(each.address))
      ++unproven;
  }
  agreed_->set_candidates(candidates, unproven);
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
  agreed_->member_proven({proven.id, proven.incarnation}, unproven_count());
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

void member_table::ping(const std::string& id) {
  if (const auto address = address_of(id); !address.empty())
    probe(address, verdict::void_if_missed);
}

void member_table::ping_everyone() {
  std::vector<std::string> linked;
  {
    const std::lock_guard lock(mutex_);
    const auto now = context_->env.now();
    if (is_stopped_ || now < next_round_) return;
    next_round_ = now + between_rounds;
    for (const auto& [address, each] : peers_) {
      if (each.is_linked) linked.push_back(address);
    }
  }
  for (const auto& each : linked) probe(each, verdict::void_if_missed);
}

void member_table::may_take_slots(bool may) {
  {
    const std::lock_guard lock(mutex_);
    context_->env.cancel(slots_timer_);
    if (!may) {
      finds_slots_ = true;
      slots_wait_ = std::min(2 * slots_wait_, longest_slots_wait);
    } else if (finds_slots_) {
      slots_timer_ =
          context_->env.schedule(context_->env.now() + slots_wait_, [weak = weak_from_this()] {
            const auto self = weak.lock();
            if (self && self->context_->has_lease(self->context_->env.now()))
              self->tell_slots(true);
          });
      return;
    }
  }
  tell_slots(may);
}

void member_table::give_up_slots() {
  {
    const std::lock_guard lock(mutex_);
    gives_up_slots_ = true;
  }
  tell_slots(false);
}

void member_table::tell_slots(bool are_taken) {
  actions todo;
  std::vector<std::string> linked;
  {
    const std::lock_guard lock(mutex_);
    are_taken = are_taken && !gives_up_slots_;
    if (is_stopped_ || takes_slots(slot_turns_) == are_taken) return;
    ++slot_turns_;
    publish(todo);
    for (const auto& [address, each] : peers_) {
      if (each.is_linked) linked.push_back(address);
    }
  }
  run(todo);
  for (const auto& each : linked) probe(each, verdict::void_if_missed);
}

void member_table::slots_told(
    const std::string& id, std::uint64_t incarnation, std::uint32_t turns
) {
  actions todo;
  {
    const std::lock_guard lock(mutex_);
    bool is_news = false;
    for (auto& [address, known] : peers_) {
      if (known.id != id || known.incarnation != incarnation) continue;  // its own link will tell
      if (!std::exchange(known.has_told_slots, true)) finds_slots_ |= takes_slots(turns);
      if (turns <= known.slot_turns) continue;
      known.slot_turns = turns;
      is_news = true;
    }
    if (!is_news) return;
    publish(todo);
  }
  run(todo);
}

std::uint32_t member_table::slot_turns() const {
  const std::lock_guard lock(mutex_);
  return slot_turns_;
}

std::string member_table::address_of(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [address, each] : peers_) {
    if (each.id == id && each.is_linked) return address;
  }
  return {};
}

bool member_table::is_proven(const std::string& address) const {
  const std::lock_guard lock(mutex_);
  const auto found = peers_.find(address);
  return found != peers_.end() && !found->second.id.empty();
}

std::size_t member_table::unproven_count() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(peers_.begin(), peers_.end(), [](const auto& each) {
    return each.second.is_from_discovery && each.second.id.empty();
  }));
}

std::set<std::string> member_table::silent_members(
    const std::vector<std::string>& everyone, time_point now
) {
  std::set<std::string> out;
  std::set<std::string> known{context_->self.id};
  for (const auto& [address, each] : peers_) known.insert(each.id);
  std::erase_if(unknown_since_, [&](const auto& each) { return known.contains(each.first); });
  for (const auto& id : everyone) {
    if (known.contains(id)) continue;
    const auto since = unknown_since_.try_emplace(id, now).first->second;
    if (now - since > unnamed_after) out.insert(id);
  }
  for (const auto& [address, each] : peers_) {
    const bool is_silent = !each.is_linked || each.health.now == health::state::unreachable;
    if (!each.id.empty() && is_silent && now - each.health.since > silent_after)
      out.insert(each.id);
  }
  for (const auto& [address, each] : peers_) {
    if (each.is_linked && each.health.now != health::state::unreachable) out.erase(each.id);
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
    todo.connect.push_back(address);
    todo.events.push_back({"peer.candidate", address, "dialling it"});
  }
  return found->second;
}

void member_table::judge(peer& of, health_event event, time_point now, actions& todo) {
  const auto is_out = [](const auto& each) {
    return each.second.health.now == health::state::unreachable;
  };
  const auto out = static_cast<std::size_t>(std::count_if(peers_.begin(), peers_.end(), is_out));
  const bool may_eject = out < std::max<std::size_t>(1, peers_.size() / 2);
  const auto before = of.health.now;
  of.health = next(of.health, event, now, settings_, may_eject);
  if (of.health.now == before) return;
  if (of.health.now == health::state::unreachable) {
    todo.abandon.push_back(of.address);
    todo.events.push_back(
        {"peer.unreachable",
         of.id,
         event == health_event::missed ? "no answer to probes" : of.last_failure}
    );
  } else {
    todo.events.push_back({"peer.reachable", of.id, of.address});
  }
}

void member_table::publish(actions& todo) {
  const auto before = context_->route.get();
  std::map<std::string, const peer*> by_id;
  for (const auto& [address, each] : peers_) {
    const bool is_proven = each.health.now != health::state::unproven;
    if (each.id.empty() || each.has_left || each.id == context_->self.id) continue;
    if (!is_proven && !each.is_from_discovery) continue;
    auto& chosen = by_id[each.id];
    if (chosen == nullptr || (each.is_linked && !chosen->is_linked)) chosen = &each;
  }
  const auto& self = context_->self;
  std::vector<member> members{
      {self.id, self.incarnation, takes_slots(slot_turns_) ? self.weight : 0, self.address}};
  for (const auto& [id, each] : by_id) {
    if (members.size() == max_view_members) break;
    members.push_back(
        {id, each->incarnation, takes_slots(each->slot_turns) ? each->weight : 0, each->address}
    );
  }
  auto made = std::make_shared<routing>();
  made->members = view(std::move(members), ring_settings_, context_->promises);
  const auto& all = made->members.members();
  const auto is_usable = [&](const member& each) {
    return each.id == self.id || by_id.at(each.id)->health.now == health::state::reachable;
  };
  if (before && before->members == made->members) {
    for (std::size_t i = 0; i != all.size(); ++i) before->is_usable[i] = is_usable(all[i]);
    return;
  }
  const auto is_same_to_the_ring = [](const member& a, const member& b) {
    return a.id == b.id && a.weight == b.weight;
  };
  const bool keeps_ring = before && std::equal(
                                        all.begin(),
                                        all.end(),
                                        before->members.members().begin(),
                                        before->members.members().end(),
                                        is_same_to_the_ring
                                    );
  made->ring = keeps_ring ? before->ring : std::make_shared<weir::ring>(made->members);
  made->self = static_cast<std::uint16_t>(made->members.find(self.id) - all.data());
  made->is_usable = std::make_unique<std::atomic<bool>[]>(all.size());
  for (std::size_t i = 0; i != all.size(); ++i) made->is_usable[i] = is_usable(all[i]);
  context_->terms.end_lost(*made);
  context_->terms_begin(context_->route.next_gain());
  const auto& rules = context_->rules;
  context_->terms.begin_gained(*made, context_->env, rules.new_epoch_per_term);
  if (!keeps_ring) {
    const auto has_weight = [](const member& each) { return each.weight != 0; };
    const auto with_slots = std::count_if(all.begin(), all.end(), has_weight);
    const auto count = with_slots == 0 ? all.size() : static_cast<std::size_t>(with_slots);
    todo.events.push_back({"ring.changed", "", std::to_string(count) + " nodes in the ring"});
  }
  for (std::uint16_t slot = 0; before && slot != slot_count; ++slot) {
    const auto& was = before->ring->owner(slot);
    const auto* is = made->members.find(made->ring->owner(slot).id);
    const auto* had = before->members.find(was.id);
    if (is->id != was.id || had == nullptr || is->incarnation != had->incarnation)
      context_->near.end(slot);
  }
  context_->route.set(std::move(made), context_->env.now());
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

void member_table::start_probing() {
  actions todo;
  std::vector<std::string> addresses;
  {
    const std::lock_guard lock(mutex_);
    slot_turns_ = context_->has_lease(context_->env.now()) ? 1 : 0;
    publish(todo);
    for (const auto& [address, each] : peers_) addresses.push_back(address);
  }
  for (const auto& each : addresses) context_->network->connect(each);
  probe_all();
}

void member_table::probe_all() {
  actions todo;
  std::vector<std::string> linked;
  std::set<std::string> silent;
  const auto everyone = agreed_->everyone();  // its lock comes before this one's
  bool is_late = false;
  {
    const std::lock_guard lock(mutex_);
    if (is_stopped_) return;
    const auto now = context_->env.now();
    is_late = next_probe_ != time_point{} && now - next_probe_ > settings_.loop_lag;
    for (auto each = peers_.begin(); each != peers_.end();) {
      const auto& known = each->second;
      if (known.is_linked) linked.push_back(each->first);
      const bool is_gone =
          !known.is_from_discovery && !known.is_linked && now - known.health.since > forget_learned;
      if (is_gone) todo.disconnect.push_back(each->first);
      each = is_gone ? peers_.erase(each) : std::next(each);
    }
    if (!todo.disconnect.empty()) publish(todo);
    if (!is_late) silent = silent_members(everyone, now);
    const auto tenth = settings_.probe_interval / 10;
    const auto jitter = milliseconds(static_cast<std::int64_t>(
        context_->env.random() % static_cast<std::uint64_t>(2 * tenth.count() + 1)
    ));
    next_probe_ = now + settings_.probe_interval - tenth + jitter;
    timer_ = context_->env.schedule(next_probe_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->probe_all();
    });
  }
  agreed_->set_silent(std::move(silent));
  run(todo);
  // What a node that was stopped itself has missed says nothing about others.
  for (const auto& each : linked) probe(each, is_late ? verdict::void_if_missed : verdict::counts);
}

void member_table::probe(const std::string& address, verdict misses) {
  const auto sent = context_->env.now();
  const auto deadline = sent + settings_.probe_timeout;
  std::string id;
  std::uint64_t incarnation = 0;
  {
    const std::lock_guard lock(mutex_);
    const auto found = peers_.find(address);
    if (found == peers_.end() || is_stopped_) return;
    id = found->second.id;
    incarnation = found->second.incarnation;
  }
  auto ping = agreed_->make_ping(id);
  ping.slot_turns = slot_turns();
  const auto number = ping.number;
  auto take = [weak = weak_from_this(), address, id, incarnation, number, sent, deadline, misses](
                  result<peer_reply> reply
              ) {
    const auto self = weak.lock();
    if (!self) return;
    actions todo;
    {
      const std::lock_guard lock(self->mutex_);
      const auto found = self->peers_.find(address);
      if (found == self->peers_.end()) return;
      const auto now = self->context_->env.now();
      const bool is_void =
          misses == verdict::void_if_missed || now - deadline > self->settings_.loop_lag;
      if (reply) {
        found->second.rtt = std::chrono::duration_cast<milliseconds>(now - sent);
        self->judge(found->second, health_event::answered, now, todo);
      } else if (!is_void && reply.error() == errc::deadline_exceeded) {
        self->judge(found->second, health_event::missed, now, todo);
      }
      self->publish(todo);
    }
    self->run(todo);
    auto* pong = reply ? std::get_if<ping_reply>(&reply->body) : nullptr;
    if (pong == nullptr) return;
    self->slots_told(id, incarnation, pong->slot_turns);
    self->learn(pong->view);
    self->agreed_->take_pong(id, number, sent, std::move(*pong));
  };
  const auto digest = context_->route.digest();
  peer_request message{
      .view_digest = digest, .timeout = settings_.probe_timeout, .body = std::move(ping)};
  context_->network->call(address, std::move(message), deadline, std::move(take));
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
    const auto* in_ring = each.id.empty() ? nullptr : route->members.find(each.id);
    out.push_back({
        .id = each.id,
        .address = address,
        .incarnation = each.incarnation,
        .weight = each.weight,
        .state = static_cast<member_state>(each.health.now),
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
