#include "entries/eviction/lru_policy.hpp"

namespace weir {

void lru_policy::on_insert(stored_entry& entry) noexcept {
  link(entry);
  ++count_;
  tune();
}

void lru_policy::on_hit(stored_entry& entry) noexcept {
  if (&entry == newest_) return;
  unlink(entry);
  link(entry);
}

void lru_policy::on_erase(stored_entry& entry) noexcept {
  unlink(entry);
  --count_;
  tune();
}

stored_entry* lru_policy::victim() noexcept {
  for (int chances = 0; chances != max_chances; ++chances) {
    auto* oldest = oldest_;
    if (oldest == nullptr || oldest->uses == 0) break;
    unlink(*oldest);
    link(*oldest);
  }
  return oldest_;
}

void lru_policy::link(stored_entry& entry) noexcept {
  entry.uses = 0;
  entry.newer = nullptr;
  entry.older = newest_;
  (newest_ != nullptr ? newest_->newer : oldest_) = &entry;
  newest_ = &entry;
}

void lru_policy::unlink(stored_entry& entry) noexcept {
  (entry.newer != nullptr ? entry.newer->older : newest_) = entry.older;
  (entry.older != nullptr ? entry.older->newer : oldest_) = entry.newer;
}

}  // namespace weir
