#define XXH_INLINE_ALL
#include "agreement/electorate.hpp"

#include <algorithm>
#include <xxhash.h>

namespace weir {
namespace {

constexpr std::size_t max_removals_per_id = 8;
constexpr std::size_t max_retired_views = 64;

std::uint64_t digest_of(
    const std::map<std::string, std::set<std::uint64_t>, std::less<>>& members,
    const std::set<std::string, std::less<>>& forgotten
) {
  std::string text;
  for (const auto& [id, lives] : members) {
    text += id;
    text += '\0';
    for (const auto life : lives) text.append(reinterpret_cast<const char*>(&life), sizeof life);
    text += '\1';
  }
  for (const auto& id : forgotten) text += '\2' + id;
  return XXH3_64bits(text.data(), text.size()) | 1;
}

}  // namespace

electorate::electorate(member_life self, const protocol_rules& rules)
    : self_(std::move(self)), rules_(rules) {
  members_[self_.id].insert(self_.incarnation);
  named_.ids.insert(self_.id);
  changed();
}

bool electorate::insert(const member_life& who) {
  if (is_removed(who)) return false;
  auto& lives = members_[who.id];
  if (who.incarnation == 0 && !lives.empty()) return false;
  if (!lives.insert(who.incarnation).second) return false;
  if (who.incarnation != 0) lives.erase(0);
  return true;
}

bool electorate::add_tombstone(const std::string& id, std::uint64_t incarnation) {
  auto& tombstones = removed_[id];
  if (std::find(tombstones.begin(), tombstones.end(), incarnation) == tombstones.end()) {
    tombstones.push_back(incarnation);
    if (tombstones.size() > max_removals_per_id) tombstones.pop_front();
    state_.reset();
  }
  const auto found = members_.find(id);
  if (found == members_.end()) return false;
  const bool was_member = found->second.erase(incarnation) != 0;
  if (found->second.empty()) members_.erase(found);
  return was_member;
}

bool electorate::drop_id(const std::string& id) {
  const auto found = members_.find(id);
  if (found == members_.end()) return false;
  for (const auto life : std::set(found->second)) add_tombstone(id, life);
  add_tombstone(id, 0);
  return true;
}

bool electorate::add(const member_life& who) {
  if (is_removed(who)) return false;
  bool is_new = insert(who);
  if (who.incarnation != 0) {  // a node runs once: its earlier lives are over
    for (const auto life : std::set(members_[who.id])) {
      if (life != who.incarnation) is_new |= add_tombstone(who.id, life);
    }
  }
  if (is_new) changed();
  return true;
}

void electorate::remove(std::string_view id) {
  if (drop_id(std::string(id))) changed();
}

void electorate::forget(std::string_view id) {
  forgotten_.emplace(id);
  drop_id(std::string(id));
  changed();
}

bool electorate::join(const electorate_state& other) {
  bool is_new = false;
  for (const auto& each : other.removed) is_new |= add_tombstone(each.id, each.incarnation);
  for (const auto& each : other.members) is_new |= insert(each);
  for (const auto& each : other.forgotten) is_new |= forgotten_.insert(each).second;
  for (auto ids : other.views) {
    std::sort(ids.begin(), ids.end());
    if (ids.empty() || retired_.contains(ids)) continue;
    const auto is_same = [&](const counted_view& known) { return known.ids == ids; };
    const auto known = std::find_if(views_.begin(), views_.end(), is_same);
    if (known != views_.end()) {
      known->is_told = true;
      continue;
    }
    views_.insert(views_.end() - 1, counted_view{std::move(ids), true});
    is_new = true;
  }
  if (is_new) changed();
  return is_new;
}

void electorate::return_as(std::uint64_t incarnation) {
  add_tombstone(self_.id, self_.incarnation);
  self_.incarnation = incarnation;
  forgotten_.erase(self_.id);
  members_[self_.id] = {incarnation};
  changed();
}

void electorate::changed() {
  ++changes_;
  count_anew();
}

void electorate::count_anew() {
  std::vector<std::string> ids;
  for (const auto& [id, lives] : members_) ids.push_back(id);
  if (views_.empty() || views_.back().ids != ids) {
    bool is_told = false;
    std::erase_if(views_, [&](const counted_view& each) {
      is_told |= each.ids == ids && each.is_told;
      return each.ids == ids;
    });
    retired_.erase(ids);
    if (!has_begun_ && !views_.empty() && !views_.back().is_told) views_.pop_back();
    if (!ids.empty()) views_.push_back({std::move(ids), is_told});
  }
  for (const auto& id : forgotten_) {
    if (members_.contains(id)) continue;  // it came back
    for (auto& each : views_) std::erase(each.ids, id);
  }
  // Forgotten ids may have left two views equal, or one empty.
  for (std::size_t i = 0; i + 1 < views_.size();) {
    const auto is_same = [&](const counted_view& other) { return other.ids == views_[i].ids; };
    const bool is_doubled =
        std::any_of(views_.begin() + static_cast<std::ptrdiff_t>(i) + 1, views_.end(), is_same);
    if (is_doubled || views_[i].ids.empty()) {
      views_.erase(views_.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  everyone_.clear();
  everyone_.insert(self_.id);
  for (const auto& each : views_) everyone_.insert(each.ids.begin(), each.ids.end());
  digest_ = digest_of(members_, forgotten_);
  state_.reset();
  begin_if_possible();
}

void electorate::begin() {
  is_discovery_heard_ = true;
  begin_if_possible();
}

void electorate::wait_no_longer() {
  waits_for_strangers_ = false;
  begin_if_possible();
}

void electorate::set_named(named_nodes named) {
  named_ = std::move(named);
  named_.ids.insert(self_.id);
  begin_if_possible();
}

void electorate::begin_if_possible() {
  const bool is_early = waits_for_strangers_ && has_strangers() && !has_met_settled_;
  if (!has_begun_ && is_discovery_heard_ && !is_early && has_met_majority()) {
    has_begun_ = true;
    state_.reset();
  }
  is_settled_ |= has_begun_ && has_met_settled_;
}

void electorate::settle(const std::function<bool(const std::string&)>& is_in_contact) {
  is_settled_ |= has_begun_ && are_all_named(is_in_contact);
}

// The settled node sent what it knows, or knows what this node knows: then that view must stay, as
// the settled node relies on it. Other nodes that this one has met may be newcomers too: it is for
// the members of the ring to take them in.
void electorate::met_settled(std::uint64_t digest) {
  if (is_settled_ || has_met_settled_) return;
  has_met_settled_ = true;
  if (digest == digest_) views_.back().is_told = true;
  if (!has_begun_) {
    std::set<std::string> known{self_.id};
    for (const auto& each : views_) {
      if (each.is_told) known.insert(each.ids.begin(), each.ids.end());
    }
    std::erase_if(members_, [&](const auto& each) { return !known.contains(each.first); });
  }
  changed();
}

void electorate::heard(std::string_view id, std::uint64_t digest) {
  known_by_.insert_or_assign(std::string(id), digest);
  begin_if_possible();
}

bool electorate::retire(time_point now, bool needs_majority) {
  const auto size = views_.size();
  for (std::size_t i = 0; i + 1 < views_.size();) {
    auto& each = views_[i];
    const auto agrees = [&](const std::string& id) {
      if (id == self_.id) return true;
      const auto known = known_by_.find(id);
      return known != known_by_.end() && known->second == digest_;
    };
    const auto count = std::count_if(each.ids.begin(), each.ids.end(), agrees);
    const bool is_agreed = 2 * static_cast<std::size_t>(count) > each.ids.size();
    if (!each.ends && is_agreed) each.ends = now + lease_ended_everywhere;
    if (needs_majority && (!each.ends || now < *each.ends)) {
      ++i;
      continue;
    }
    if (retired_.size() >= max_retired_views) retired_.erase(retired_.begin());
    retired_.insert(std::move(each.ids));
    views_.erase(views_.begin() + static_cast<std::ptrdiff_t>(i));
  }
  if (views_.size() == size) return false;
  count_anew();
  return true;
}

std::shared_ptr<const electorate_state> electorate::state() const {
  if (state_) return state_;
  auto made = std::make_shared<electorate_state>();
  for (const auto& [id, lives] : members_) {
    for (const auto life : lives) made->members.push_back({id, life});
  }
  for (const auto& [id, lives] : removed_) {
    for (const auto life : lives) made->removed.push_back({id, life});
  }
  made->forgotten.assign(forgotten_.begin(), forgotten_.end());
  made->views = views();
  if (!has_begun_ && !views_.back().is_told) made->views.pop_back();
  state_ = made;
  return state_;
}

}  // namespace weir
