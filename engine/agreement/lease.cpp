#include "agreement/lease.hpp"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

constexpr milliseconds max_pause{2'000};  // between two heartbeats

}  // namespace

void lease::look(time_point now) {
  if (!holds_ || now < until_) return;
  holds_ = false;
  lost_ = std::move(held_under_);
  ++losses_;
}

void lease::grant(const std::string& id, std::uint64_t life, time_point until, time_point now) {
  look(now);
  auto& known = grants_[id];
  known = {life, known.life == life ? std::max(known.until, until) : until};
}

lease::event lease::update(const electorate& who, time_point now, const protocol_rules& rules) {
  look(now);
  const auto time_of = [&](const std::string& id) {
    if (id == who.self().id) return time_point::max();
    const auto found = grants_.find(id);
    return found == grants_.end() ? time_point::min() : found->second.until;
  };
  const bool is_member = who.contains(who.self());
  const auto until = is_member ? who.majority_time(time_of) : time_point::min();
  if (until <= now) {
    if (holds_) until_ = until;  // a view came that does not know this node yet
    look(now);
    if (lost_ && rules.hints_of_named)
      lost_->named_needed = std::max(lost_->named_needed, who.named_needed());
    return event::none;
  }
  until_ = until;
  const bool had = std::exchange(holds_, true);
  event out = event::none;
  if (!had) {
    out = event::gained;
    const bool needs_hints = lost_ && rules.hints_of_old_electorate;
    if (lost_) out = !needs_hints || has_old_hints(who, now) ? event::kept : event::dropped;
    lost_.reset();
  }
  held_under_ = as_of(who);
  return out;
}

void lease::reset() {
  losses_ += holds_ ? 1 : 0;
  grants_.clear();
  until_ = time_point::min();
  holds_ = false;
  lost_.reset();
}

lease::loss lease::as_of(const electorate& who) const {
  loss out{.views = who.views(), .lives = {}};
  for (const auto& id : who.everyone()) {
    const auto found = grants_.find(id);
    if (found != grants_.end()) out.lives[id] = found->second.life;
  }
  return out;
}

// While its grant is good a member does not vote against this node, and what it voted before came
// with its answer. A member whose grant is over may have voted again, whenever it answered last.
// Other discovered nodes may have gone on without any member of those views, but not without one of
// enough of the discovered nodes.
bool lease::has_old_hints(const electorate& who, time_point now) const {
  const auto has_handed_over = [&](const std::string& id) {
    if (id == who.self().id) return true;
    const auto life = lost_->lives.find(id);
    return life != lost_->lives.end() && is_granted_by(id, now) &&
           grants_.at(id).life == life->second;
  };
  if (who.named_count(has_handed_over) < lost_->named_needed) return false;
  return std::all_of(lost_->views.begin(), lost_->views.end(), [&](const auto& ids) {
    const auto count = std::count_if(ids.begin(), ids.end(), has_handed_over);
    return 2 * static_cast<std::size_t>(count) > ids.size();
  });
}

bool lease::is_beyond_hope(const electorate& who) const {
  if (holds_ || !lost_) return false;
  const auto is_left = [&](const std::string& id) {
    if (id == who.self().id) return true;
    const auto life = lost_->lives.find(id);
    return life != lost_->lives.end() && who.contains({id, life->second});
  };
  return std::any_of(lost_->views.begin(), lost_->views.end(), [&](const auto& ids) {
    const auto count = std::count_if(ids.begin(), ids.end(), is_left);
    return 2 * static_cast<std::size_t>(count) <= ids.size();
  });
}

bool lease::is_granted_by(const std::string& id, time_point now) const {
  const auto found = grants_.find(id);
  return found != grants_.end() && now < found->second.until;
}

bool granted_leases::has_granted(const member_life& who) const {
  const auto known = answers_.find(who.id);
  return known != answers_.end() && known->second.life == who.incarnation;
}

bool granted_leases::grant(const member_life& who, bool keeps_nothing, time_point now) {
  if (is_young(now) && !keeps_nothing && !has_granted(who)) return false;
  answers_[who.id] = {who.incarnation, now};
  return true;
}

void granted_leases::tick(time_point now) {
  if (now - last_tick_ > max_pause) awake_since_ = now;
  last_tick_ = now;
}

bool granted_leases::is_over(const member_life& who, time_point now) const {
  const bool stood_still =
      now - last_tick_ > max_pause || now < awake_since_ + lease_ended_everywhere;
  if (is_young(now) || (stood_still && rests_after_pause_)) return false;
  const auto known = answers_.find(who.id);
  return known == answers_.end() || now - known->second.at > lease_ended_everywhere;
}

}  // namespace weir
