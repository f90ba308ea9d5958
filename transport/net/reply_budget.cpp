#include <weir/transport/reply_budget.hpp>

#include <algorithm>

namespace weir {

bool reply_budget::take(std::size_t size) noexcept {
  auto used = used_.load(std::memory_order_relaxed);
  while (used <= max_ / 2 || (used <= max_ && size <= max_ - used)) {
    if (used_.compare_exchange_weak(used, used + size, std::memory_order_relaxed)) return true;
  }
  auto largest = refused_.load(std::memory_order_relaxed);
  while (largest < size && !refused_.compare_exchange_weak(largest, size)) {
  }
  return false;
}

bool reply_budget::is_spent() const noexcept {
  const auto used = used_.load(std::memory_order_relaxed);
  const auto refused = refused_.load(std::memory_order_relaxed);
  if (used <= max_ / 2) {
    if (refused != 0) refused_.store(0, std::memory_order_relaxed);
    return false;
  }
  return used + std::max(refused, max_ / 8) > max_;
}

}  // namespace weir
