#include "ring/routing.hpp"

#include "entries/stored_entry.hpp"

namespace weir {

routing_cell::former_routing routing_cell::former(std::uint16_t slot) const {
  const std::lock_guard lock(mutex_);
  if (gained_in_.empty()) return {};
  for (const auto& each : former_) {
    if (each.number == gained_in_[slot]) return each;
  }
  return {};
}

std::uint32_t routing_cell::next_gain() const {
  const std::lock_guard lock(mutex_);
  return last_number_ + 1;
}

bool routing_cell::has_lost(time_point now, milliseconds within) const {
  const std::lock_guard lock(mutex_);
  return lost_at_ != time_point::min() && now - lost_at_ <= within;
}

void routing_cell::set(std::shared_ptr<const routing> next, time_point now) {
  const std::lock_guard lock(mutex_);
  digest_.store(next->members.digest(), std::memory_order_release);
  current_.swap(next);
  if (!next || next->ring == current_->ring) return;
  bool has_gained = false;
  for (std::uint16_t slot = 0; slot != slot_count; ++slot) {
    const bool was_here = next->ring->owner_index(slot) == next->self;
    const bool is_here = current_->ring->owner_index(slot) == current_->self;
    if (was_here == is_here) continue;
    if (gained_in_.empty()) gained_in_.resize(slot_count);
    gained_in_[slot] = is_here ? last_number_ + 1 : 0;
    has_gained = has_gained || is_here;
    if (was_here) lost_at_ = now;
  }
  if (!has_gained) return;
  former_.push_back({++last_number_, now, std::move(next)});
  if (former_.size() > max_former) former_.pop_front();
}

void slot_terms::end_lost(const routing& next) noexcept {
  for (std::uint16_t slot = 0; slot != slot_count; ++slot) {
    if (next.ring->owner_index(slot) == next.self || epoch_of(slot) == 0) continue;
    if (const auto epoch = epochs_[slot].exchange(0, std::memory_order_acq_rel); epoch != 0) {
      ended_[slot].store(epoch, std::memory_order_release);
    }
  }
}

void slot_terms::begin_gained(const routing& next, environment& env, bool anew) noexcept {
  if (!anew && former_.empty()) former_.resize(slot_count);
  for (std::uint16_t slot = 0; slot != slot_count; ++slot) {
    if (next.ring->owner_index(slot) != next.self || epoch_of(slot) != 0) continue;
    std::uint64_t epoch = 0;
    if (!anew) epoch = former_[slot];
    while (epoch == 0 || epoch == past_epoch) epoch = env.random();
    if (!anew) former_[slot] = epoch;
    epochs_[slot].store(epoch, std::memory_order_release);
  }
}

}  // namespace weir
