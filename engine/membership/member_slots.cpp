// Which nodes take slots, and the ring that follows from it.

#include "membership/member_table.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace weir {
namespace {

constexpr milliseconds settled_after{1'000};  // nodes that start together take slots together
constexpr milliseconds max_slots_wait{16'000};
constexpr milliseconds ring_told_after{100};  // several changes in a row are reported as one
constexpr std::size_t max_told = 8;

/// "n2, n3 and 4 more"
std::string listed(const std::vector<std::string>& ids) {
  std::string out;
  for (std::size_t i = 0; i != std::min(ids.size(), max_told); ++i)
    out += (i == 0 ? "" : ", ") + ids[i];
  if (ids.size() > max_told) out += " and " + std::to_string(ids.size() - max_told) + " more";
  return out;
}

}  // namespace

std::set<std::string> owners_of(const routing& route) {
  const auto& all = route.members.members();
  const auto has_weight = [](const member& each) { return each.weight != 0; };
  const bool any = std::any_of(all.begin(), all.end(), has_weight);
  std::set<std::string> out;
  for (const auto& each : all) {
    if (!any || each.weight != 0) out.insert(each.id);
  }
  return out;
}

void member_table::tell_ring_later() {
  if (ring_timer_ != 0 || is_stopped_) return;
  const auto when = context_->env.now() + ring_told_after;
  ring_timer_ = context_->env.schedule(when, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->tell_ring();
  });
}

/// Reports which nodes came into the ring and which went since the last report; nothing if none
/// did.
void member_table::tell_ring() {
  std::vector<std::string> came;
  std::vector<std::string> went;
  std::size_t count = 0;
  {
    const std::lock_guard lock(mutex_);
    ring_timer_ = 0;
    auto now = owners_of(*context_->route.get());
    std::set_difference(
        now.begin(), now.end(), ring_told_.begin(), ring_told_.end(), std::back_inserter(came)
    );
    std::set_difference(
        ring_told_.begin(), ring_told_.end(), now.begin(), now.end(), std::back_inserter(went)
    );
    count = now.size();
    ring_told_ = std::move(now);
  }
  if (came.empty() && went.empty()) return;
  auto text = std::to_string(count) + (count == 1 ? " node" : " nodes") + " in the ring";
  if (!came.empty()) text += "; came: " + listed(came);
  if (!went.empty()) text += "; went: " + listed(went);
  report({"ring.changed", "", std::move(text)});
}

void member_table::may_take_slots(bool may) {
  {
    const std::lock_guard lock(mutex_);
    context_->env.cancel(slots_timer_);
    if (!may) {
      is_latecomer_ = true;
      // A node that comes and goes without slots moves none, and one that kept them for more than
      // four waits is as good as new.
      const bool was_long = context_->env.now() - slots_since_ > 4 * slots_wait_;
      if (takes_slots(slot_turns_))
        slots_wait_ = was_long ? settled_after : std::min(2 * slots_wait_, max_slots_wait);
    } else if (is_latecomer_) {
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
    has_had_slots_ |= are_taken;
    slots_since_ = context_->env.now();
    publish();
    for (const auto& [address, each] : peers_) {
      if (each.is_linked) linked.push_back(address);
    }
  }
  run(todo);
  for (const auto& each : linked) probe(each, verdict::void_if_missed);
}

bool member_table::has_had_slots() const {
  const std::lock_guard lock(mutex_);
  return has_had_slots_;
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
      if (turns <= known.slot_turns) continue;
      known.slot_turns = turns;
      is_news = true;
    }
    if (!is_news) return;
    publish();
  }
  run(todo);
}

void member_table::told_as_latecomer() {
  const std::lock_guard lock(mutex_);
  is_latecomer_ |= slot_turns_ == 0;
}

bool member_table::is_latecomer(const identity& who) const {
  const std::lock_guard lock(mutex_);
  const bool is_settled =
      takes_slots(slot_turns_) && context_->env.now() - slots_since_ > settled_after;
  // A node that comes back before its slots went to others moves none.
  const auto keeps_its_place = [&](const auto& each) {
    const peer& known = each.second;
    if (known.id != who.id || known.has_left) return false;
    return known.incarnation == who.incarnation ? known.keeps_place : takes_slots(known.slot_turns);
  };
  return is_settled && std::none_of(peers_.begin(), peers_.end(), keeps_its_place);
}

void member_table::draining_told(const std::string& id, std::uint64_t incarnation) {
  const std::lock_guard lock(mutex_);
  for (auto& [address, known] : peers_) {
    if (known.id == id && known.incarnation == incarnation) known.is_draining = true;
  }
  publish();
}

bool member_table::is_draining() const {
  const std::lock_guard lock(mutex_);
  return gives_up_slots_;
}

std::uint32_t member_table::slot_turns() const {
  const std::lock_guard lock(mutex_);
  return slot_turns_;
}

// Near copies of a slot are void once it has another owner, or its owner another life.
void member_table::end_near_of_others(const routing& before, const routing& now) {
  std::vector<const member*> stays;  // by place in the view before
  for (const auto& was : before.members.members()) {
    const auto* is = now.members.find(was.id);
    stays.push_back(is != nullptr && is->incarnation == was.incarnation ? is : nullptr);
  }
  for (std::uint16_t slot = 0; slot != slot_count; ++slot) {
    if (stays[before.ring->owner_index(slot)] != &now.at(now.ring->owner_index(slot)))
      context_->near.end(slot);
  }
}

void member_table::publish() {
  const auto before = context_->route.get();
  for (auto& [address, each] : peers_) {
    if (const auto shown = shown_state(each); shown != each.shown) {
      each.shown = shown;
      each.shown_since = context_->env.now();
    }
  }
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
  made->members = view(std::move(members), ring_settings_);
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
  if (context_->hedges) made->waits = context_->hedges->peers_of(all, made->self);
  context_->terms.end_lost(*made);
  if (const auto all = context_->keyspaces.lock()) all->terms_begin(context_->route.next_gain());
  const auto& rules = context_->rules;
  context_->terms.begin_gained(*made, context_->env, rules.new_epoch_per_term);
  if (before && !keeps_ring) tell_ring_later();
  if (before) end_near_of_others(*before, *made);
  context_->route.set(std::move(made), context_->env.now());
}

}  // namespace weir
