#include "tests/sim/world/sim_scheduler.hpp"

#include <algorithm>
#include <utility>

namespace weir::sim {

scheduler::scheduler(std::uint64_t seed) : random_(seed, 0x5c4ed) {}

scheduler::~scheduler() = default;

event_id scheduler::at(instant when, action what, owner_id owner) {
  const event_id event = ++last_event_;
  pending_.emplace(event, pending{std::move(what), owner});
  queue_.push({std::max(when, now_), random_.next(), event});
  return event;
}

void scheduler::cancel(event_id event) noexcept {
  const auto found = pending_.find(event);
  if (found == pending_.end()) return;
  const auto dropped = pending_.extract(found);  // destroyed last: it may schedule or cancel others
}

void scheduler::release(owner_id owner) {
  const auto found = held_.find(owner);
  if (found == held_.end()) return;
  const std::vector<event_id> due = std::move(found->second);
  held_.erase(found);
  for (const event_id event : due) queue_.push({now_, random_.next(), event});
}

std::size_t scheduler::drop(owner_id owner) {
  std::vector<event_id> events;
  for (const auto& [event, pending] : pending_)
    if (pending.owner == owner) events.push_back(event);
  std::sort(events.begin(), events.end());  // the table's own order is nobody's promise
  for (const event_id event : events) cancel(event);
  held_.erase(owner);
  return events.size();
}

bool scheduler::step() {
  while (!is_stopped_ && !queue_.empty()) {
    const place next = queue_.top();
    queue_.pop();
    const auto found = pending_.find(next.event);
    if (found == pending_.end()) continue;
    now_ = next.when;
    if (const auto held = held_.find(found->second.owner); held != held_.end()) {
      held->second.push_back(next.event);
      continue;
    }
    auto event = pending_.extract(found);
    note(static_cast<std::uint64_t>(now_.count()));
    note(next.event ^ (std::uint64_t{event.mapped().owner} << 48));
    std::move(event.mapped().what)();
    return true;
  }
  return false;
}

void scheduler::run_until(instant when) {
  while (!is_stopped_ && !queue_.empty() && queue_.top().when <= when) step();
  if (!is_stopped_) now_ = std::max(now_, when);
}

bool scheduler::run_until(const std::function<bool()>& done, instant limit) {
  while (!done()) {
    if (is_stopped_) return false;
    if (queue_.empty() || queue_.top().when > limit) {
      now_ = std::max(now_, limit);
      return done();
    }
    step();
  }
  return true;
}

}  // namespace weir::sim
