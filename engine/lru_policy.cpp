#include "lru_policy.hpp"

#include <algorithm>
#include <limits>

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

void lru_policy::link(stored_entry& entry) noexcept {
  entry.newer = nullptr;
  entry.older = newest_;
  (newest_ != nullptr ? newest_->newer : oldest_) = &entry;
  newest_ = &entry;
  entry.stamp = ++filter_.clock;
}

void lru_policy::unlink(stored_entry& entry) noexcept {
  (entry.newer != nullptr ? entry.newer->older : newest_) = entry.older;
  (entry.older != nullptr ? entry.older->newer : oldest_) = entry.newer;
}

void lru_policy::tune() noexcept {
  const auto quarter = std::min<std::size_t>(count_ / 4, std::numeric_limits<std::uint32_t>::max());
  filter_.quiet = count_ <= exact_up_to ? 0 : static_cast<std::uint32_t>(quarter);
}

}  // namespace weir
