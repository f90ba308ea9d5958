// What the member table shows of the other nodes.

#include "membership/member_table.hpp"

#include <algorithm>

namespace weir {
namespace {

constexpr milliseconds well_after{60'000};  // then earlier failures are no longer shown

}  // namespace

member_state member_table::shown_state(const peer& of) {
  if (of.has_said_goodbye && !of.is_linked) return member_state::left;
  if (of.is_linked && (of.has_said_goodbye || of.is_draining)) return member_state::draining;
  return shown(of.health.now);
}

member_status member_table::status_of(const peer& of, const routing& route, time_point now) const {
  const auto age = [now](time_point since) {
    return std::chrono::duration_cast<milliseconds>(now - since);
  };
  const auto* in_ring = of.id.empty() ? nullptr : route.members.find(of.id);
  member_status out{
      .id = of.id.empty() ? of.told_id : of.id,
      .address = of.address,
      .incarnation = of.incarnation,
      .weight = of.weight,
      .state = of.shown,
      .is_in_ring = in_ring != nullptr && in_ring->address == of.address,
      .is_linked = of.is_linked,
      .rtt = of.rtt,
      .since = age(of.shown_since),
  };
  const bool is_well = of.shown == member_state::reachable && now - of.health.since > well_after &&
                       now - of.failed_at > well_after;
  if (!of.last_failure.empty() && !is_well && of.shown != member_state::left) {
    out.last_failure = of.last_failure;
    out.failed_since = age(of.failed_at);
  }
  return out;
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
      .state = gives_up_slots_ ? member_state::draining : member_state::reachable,
      .is_self = true,
      .is_in_ring = true,
      .config = config_state::same,
  }};
  for (const auto& [address, each] : peers_) out.push_back(status_of(each, *route, now));
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

std::vector<std::string> member_table::reachable() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& [address, each] : peers_) {
    if (is_there(each)) out.push_back(each.id);
  }
  return out;
}

}  // namespace weir
