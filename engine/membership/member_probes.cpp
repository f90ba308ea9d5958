// Heartbeats to every peer, and what their answers and misses say of its health.

#include "membership/member_table.hpp"

#include <algorithm>

namespace weir {
namespace {

constexpr milliseconds between_rounds{50};
constexpr milliseconds forget_learned{30'000};    // a peer that only peers named, and that is gone
constexpr milliseconds forget_strangers{10'000};  // the same of one that none named
constexpr milliseconds first_early_ping{50};      // doubles: until a member knows this node
constexpr int max_early_pings = 4;
constexpr milliseconds silent_after{30'000};  // then it may be removed, if a majority says so too
constexpr milliseconds unnamed_after{5'000};  // the same of one that discovery dropped

}  // namespace

void member_table::start_probing() {
  actions todo;
  std::vector<std::string> addresses;
  {
    const std::lock_guard lock(mutex_);
    has_had_slots_ = context_->has_lease(context_->env.now());
    slot_turns_ = has_had_slots_ ? 1 : 0;
    slots_since_ = context_->env.now();
    publish();
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
      auto& known = each->second;
      if (known.is_linked) linked.push_back(each->first);
      // What this node missed while it was stopped says nothing about others.
      if (is_there(known) || is_late) known.heard = now;
      const auto longest = known.is_dropped    ? unnamed_after
                           : known.is_stranger ? forget_strangers
                                               : forget_learned;
      const bool may_come_back = known.is_dropped ? is_there(known) : known.is_linked;
      const bool is_gone =
          !known.is_from_discovery && !may_come_back && now - known.heard > longest;
      if (is_gone) todo.disconnect.push_back(each->first);
      if (is_gone && known.is_dropped) {
        unknown_since_.try_emplace(known.id, known.heard);  // no second wait
        todo.events.push_back(
            {"peer.dropped", known.id, "it is gone, and discovery no longer names " + each->first}
        );
      }
      each = is_gone ? peers_.erase(each) : std::next(each);
    }
    if (!todo.disconnect.empty()) publish();
    if (!is_late) silent = silent_members(everyone, now);
    compare_settings(now, todo);
    const auto tenth = settings_.probe_interval / 10;
    const auto jitter = milliseconds(static_cast<std::int64_t>(
        context_->env.random() % static_cast<std::uint64_t>(2 * tenth.count() + 1)
    ));
    next_probe_ = now + settings_.probe_interval - tenth + jitter;
    timer_ = context_->env.schedule(next_probe_, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->probe_all();
    });
  }
  agreed_->set_named(named());  // marks grow old
  agreed_->set_silent(std::move(silent));
  run(todo);
  for (const auto& each : linked) probe(each, is_late ? verdict::void_if_missed : verdict::counts);
}

void member_table::compare_settings(time_point now, actions& todo) {
  if (const auto all = context_->keyspaces.lock()) drift_.set_own(all->settings());
  std::set<std::string> ids;
  for (const auto& [address, each] : peers_) ids.insert(each.id);
  for (auto& each : drift_.news(ids, now)) todo.events.push_back(std::move(each));
}

// The other node may not have met this one yet: it grants as soon as its own link is up.
void member_table::ask_again_soon(const std::string& address) {
  const std::lock_guard lock(mutex_);
  const auto found = peers_.find(address);
  if (found == peers_.end() || is_stopped_) return;
  auto& sent = found->second.early_pings;
  if (sent == max_early_pings) return;
  const auto when = context_->env.now() + first_early_ping * (1 << sent++);
  context_->env.schedule(when, [weak = weak_from_this(), address] {
    if (const auto self = weak.lock()) self->probe(address, verdict::void_if_missed);
  });
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
  ping.is_draining = is_draining();
  ping.known_settings = drift_.known_of(id);
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
        found->second.rtt = std::chrono::duration_cast<std::chrono::microseconds>(now - sent);
        self->judge(found->second, health_event::answered, now, todo);
      } else if (!is_void && reply.error() == errc::deadline_exceeded) {
        self->judge(found->second, health_event::missed, now, todo);
      }
      self->publish();
    }
    self->run(todo);
    auto* pong = reply ? std::get_if<ping_reply>(&reply->body) : nullptr;
    if (pong == nullptr) return;
    self->slots_told(id, incarnation, pong->slot_turns);
    if (pong->is_draining) self->draining_told(id, incarnation);
    if (pong->is_latecomer) self->told_as_latecomer();
    if (!pong->is_granted) self->ask_again_soon(address);
    self->drift_.take(id, *pong, self->context_->env.now());
    self->learn(pong->view);
    self->agreed_->take_pong(id, number, sent, std::move(*pong));
  };
  const auto digest = context_->route.digest();
  peer_request message{
      .view_digest = digest, .timeout = settings_.probe_timeout, .body = std::move(ping)};
  context_->network->call(address, std::move(message), deadline, std::move(take));
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
    const auto longest = each.is_dropped ? unnamed_after : silent_after;
    if (!each.id.empty() && now - each.heard > longest) out.insert(each.id);
  }
  for (const auto& [address, each] : peers_) {
    if (is_there(each)) out.erase(each.id);
  }
  return out;
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

}  // namespace weir
