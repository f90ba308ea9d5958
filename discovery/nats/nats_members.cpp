#include "nats/nats_members.hpp"

#include <algorithm>

namespace weir {
namespace {

constexpr int doubtful_beats = 3;  ///< for which a refused message keeps a node from being alone

bool is_doubtful(nats_outcome what) {
  return what == nats_outcome::is_unsigned || what == nats_outcome::forged ||
         what == nats_outcome::stale;
}

}  // namespace

nats_members::nats_members(nats_rules rules, identity self)
    : rules_(rules), self_(std::move(self)) {}

nats_members::step nats_members::up(time_point now) {
  count(nats_outcome::connected);
  is_up_ = true;
  has_heard_itself_ = false;
  beats_ = 0;
  due_ = now;
  refused_.reset();
  begin_again();
  return {.tell = {}, .next = now};
}

nats_members::step nats_members::down() {
  is_up_ = false;
  begin_again();
  return {};
}

nats_members::step nats_members::failed(nats_outcome why) {
  step out;
  if (std::exchange(trouble_, why) != why) out.tell = make_error_code(why);
  return out;
}

nats_members::step nats_members::beat(time_point now) {
  step out;
  if (!is_up_) return out;
  const bool is_late = now > due_ + rules_.heartbeat;
  if (is_settled() && !is_late) {
    count_absences();
  } else {
    begin_again();
  }
  beats_ = std::min(beats_ + 1, settling_beats + 1);
  if (refused_ && ++beats_since_refused_ > doubtful_beats) refused_.reset();
  forget_old(now);
  due_ = now + (is_settled() ? rules_.heartbeat : rules_.heartbeat / 2);
  out.next = due_;
  conclude(out);
  return out;
}

nats_members::step nats_members::take(
    nats_outcome what, const nats_presence& from, std::uint64_t unix_ms, time_point now
) {
  if (what == nats_outcome::heard) what = judge(from, unix_ms, now);
  count(what);
  if (is_doubtful(what)) {
    refused_ = what;
    beats_since_refused_ = 0;
  }
  step out;
  conclude(out);
  return out;
}

nats_outcome nats_members::judge(const nats_presence& from, std::uint64_t unix_ms, time_point now) {
  const bool is_own_id = from.id == self_.id;
  if (is_own_id && from.incarnation == self_.incarnation) {
    has_heard_itself_ = true;
    return nats_outcome::heard;
  }
  if (is_own_id) return nats_outcome::duplicate;
  const auto window = static_cast<std::uint64_t>(rules_.clock_window.count());
  const auto distance = std::max(from.at, unix_ms) - std::min(from.at, unix_ms);
  if (rules_.is_signed && distance > window) return nats_outcome::stale;
  const auto found = known_.find({from.id, from.incarnation});
  if (found != known_.end() && rules_.is_signed && from.at <= found->second.at) {
    return nats_outcome::replayed;
  }
  if (from.what == nats_presence::kind::gone) {
    if (found == known_.end()) return nats_outcome::left;
    found->second.at = from.at;
    found->second.goodbye = rules_.goodbye;
    return nats_outcome::left;
  }
  const bool is_new = found == known_.end() || !found->second.is_member;
  if (is_new && (members() >= rules_.most_members || !make_room())) return nats_outcome::too_many;
  is_changed_ |= is_new || found->second.address != from.address;
  known_[{from.id, from.incarnation}] = {.address = from.address, .at = from.at, .seen = now};
  return nats_outcome::heard;
}

std::size_t nats_members::members() const {
  return static_cast<std::size_t>(std::count_if(known_.begin(), known_.end(), [](const auto& each) {
    return each.second.is_member;
  }));
}

/// Forgets whoever is gone longest where there would be too many.
bool nats_members::make_room() {
  if (known_.size() < rules_.most_known) return true;
  auto oldest = known_.end();
  for (auto each = known_.begin(); each != known_.end(); ++each) {
    if (each->second.is_member) continue;
    if (oldest == known_.end() || each->second.seen < oldest->second.seen) oldest = each;
  }
  if (oldest == known_.end()) return false;
  known_.erase(oldest);
  return true;
}

/// Who is gone is remembered as long as an old message of it could pass for a new one.
void nats_members::forget_old(time_point now) {
  std::erase_if(known_, [&](const auto& each) {
    return !each.second.is_member && now > each.second.seen + 2 * rules_.clock_window;
  });
}

void nats_members::begin_again() {
  for (auto& [who, each] : known_) {
    each.absences = 0;
    each.is_heard = false;
  }
}

void nats_members::count_absences() {
  const bool is_somebody_heard = std::any_of(known_.begin(), known_.end(), [](const auto& each) {
    return each.second.is_member && each.second.is_heard;
  });
  for (auto& [who, each] : known_) {
    if (!each.is_member) continue;
    const bool is_heard = std::exchange(each.is_heard, false);
    each.absences = is_heard || !is_somebody_heard ? 0 : each.absences + 1;
    const bool has_left = each.goodbye && (*each.goodbye)-- <= 0;
    if (has_left || each.absences >= rules_.misses) {
      each.is_member = false;
      is_changed_ = true;
    }
  }
}

std::vector<candidate> nats_members::list() const {
  std::set<std::string> addresses{self_.address};
  for (const auto& [who, each] : known_) {
    if (each.is_member) addresses.insert(each.address);
  }
  std::vector<candidate> out;
  out.reserve(addresses.size());
  for (const auto& each : addresses) out.push_back({.id = {}, .address = each, .is_serving = true});
  return out;
}

/// Why there can be no first answer, although the time for it has come.
std::optional<nats_outcome> nats_members::doubt() const {
  if (members() != 0) return std::nullopt;
  return has_heard_itself_ ? refused_ : nats_outcome::deaf;
}

void nats_members::conclude(step& out) {
  const bool is_working = is_settled() || (has_answered_ && has_heard_itself_);
  if (!is_up_ || !is_working) return;
  if (has_answered_ && !trouble_ && !is_changed_) return;
  if (const auto why = doubt(); why && !has_answered_) {
    out.tell = failed(*why).tell;
    if (out.tell && *why == nats_outcome::deaf) count(*why);
    return;
  }
  const bool is_over = std::exchange(trouble_, std::nullopt).has_value();
  auto found = list();
  std::vector<std::string> addresses;
  addresses.reserve(found.size());
  for (const auto& each : found) addresses.push_back(each.address);
  const bool is_first = !std::exchange(has_answered_, true);
  is_changed_ = false;
  if (!is_first && !is_over && addresses == told_) return;
  told_ = std::move(addresses);
  out.tell = std::move(found);
}

}  // namespace weir
