#include "routing.hpp"

namespace weir {

void slot_terms::end_lost(const routing& next) noexcept {
  for (std::uint16_t slot = 0; slot != slot_count; ++slot) {
    if (next.ring->owner_index(slot) != next.self) epochs_[slot].store(0, std::memory_order_release);
  }
}

void slot_terms::begin_gained(const routing& next, environment& env, bool anew) noexcept {
  if (!anew && former_.empty()) former_.resize(slot_count);
  for (std::uint16_t slot = 0; slot != slot_count; ++slot) {
    if (next.ring->owner_index(slot) != next.self || epoch_of(slot) != 0) continue;
    std::uint64_t epoch = 0;
    if (!anew) epoch = former_[slot];
    while (epoch == 0) epoch = env.random();
    if (!anew) former_[slot] = epoch;
    epochs_[slot].store(epoch, std::memory_order_release);
  }
}

}  // namespace weir
