#include "entries/expiry_wheel.hpp"

#include <algorithm>
#include <bit>
#include <limits>

namespace weir {

expiry_wheel::tick_number expiry_wheel::first_tick_after(time_point when) noexcept {
  const auto since = std::max(when.time_since_epoch(), steady_duration(0));
  return static_cast<tick_number>(since / tick + (since % tick != steady_duration(0) ? 1 : 0));
}

expiry_wheel::tick_number expiry_wheel::last_tick_before(time_point when) noexcept {
  return static_cast<tick_number>(std::max(when.time_since_epoch(), steady_duration(0)) / tick);
}

void expiry_wheel::push(stored_entry*& list, stored_entry& entry) noexcept {
  entry.expires_next = list;
  entry.expires_link = &list;
  if (list != nullptr) list->expires_link = &entry.expires_next;
  list = &entry;
}

void expiry_wheel::splice(stored_entry*& from, stored_entry*& to) noexcept {
  to = from;
  from = nullptr;
  if (to != nullptr) to->expires_link = &to;
}

void expiry_wheel::insert(stored_entry& entry, time_point now) {
  if (entry.expires == time_point::max()) return;
  if (!wheel_) wheel_ = std::make_unique<wheel>();
  if (count_ == 0) current_ = std::max(current_, last_tick_before(now));
  place(entry);
  ++count_;
}

void expiry_wheel::erase(stored_entry& entry) noexcept {
  if (entry.expires_link == nullptr) return;
  *entry.expires_link = entry.expires_next;
  if (entry.expires_next != nullptr) entry.expires_next->expires_link = entry.expires_link;
  entry.expires_link = nullptr;
  --count_;
}

// The level is that of the highest digit (of 6 bits) in which the entry's tick differs from the
// current one: then its list comes up exactly when the current tick has that digit.
void expiry_wheel::place(stored_entry& entry) noexcept {
  const auto when = first_tick_after(entry.expires);
  if (when <= current_) return push(wheel_->due, entry);
  const auto level = (std::bit_width(when ^ current_) - 1) / level_bits;
  if (level >= levels) return push(wheel_->beyond, entry);
  const auto slot = (when >> (level * level_bits)) % slots;
  push(wheel_->lists[level][slot], entry);
  wheel_->maybe_used[level] |= std::uint64_t{1} << slot;
}

stored_entry* expiry_wheel::next_expired(time_point now, std::size_t& steps) noexcept {
  const auto last = last_tick_before(now);
  while (count_ != 0 && steps != 0) {
    if (auto* entry = wheel_->due) {
      --steps;
      erase(*entry);
      if (entry->expires <= now) return entry;
      place(*entry);
      ++count_;
      continue;
    }
    const auto next = next_used_tick();
    if (next > last) break;
    enter(next);
  }
  return nullptr;
}

// The first tick after the current one at which a list comes up; each level's own lists come up
// before any of the next level does.
expiry_wheel::tick_number expiry_wheel::next_used_tick() const noexcept {
  for (unsigned level = 0; level != levels; ++level) {
    const auto shift = level * level_bits;
    const auto digit = (current_ >> shift) % slots;
    const auto later = digit == slots - 1 ? 0 : wheel_->maybe_used[level] >> (digit + 1);
    if (later == 0) continue;
    const auto slot = digit + 1 + static_cast<unsigned>(std::countr_zero(later));
    const auto round = current_ >> (shift + level_bits) << (shift + level_bits);
    return round | (static_cast<tick_number>(slot) << shift);
  }
  constexpr auto turn = tick_number{1} << (levels * level_bits);
  return (current_ / turn + 1) * turn;
}

// Takes the lists that come up at this tick, from the top level down; only one of them can be used.
void expiry_wheel::enter(tick_number reached) noexcept {
  const auto changed = reached ^ current_;
  current_ = reached;
  if (changed >> (levels * level_bits) != 0) return splice(wheel_->beyond, wheel_->due);
  const auto level = (std::bit_width(changed) - 1) / level_bits;
  const auto slot = (reached >> (level * level_bits)) % slots;
  wheel_->maybe_used[level] &= ~(std::uint64_t{1} << slot);
  splice(wheel_->lists[level][slot], wheel_->due);
}

}  // namespace weir
