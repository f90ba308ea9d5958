#include "ring/near_sources.hpp"

#include <algorithm>

namespace weir {

// Ids are few and stable; if there are more than places, all others share the last place, which is
// never heard.
std::uint16_t near_sources::index_of(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto [found, is_new] = indices_.try_emplace(id, 0);
  if (is_new)
    found->second = static_cast<std::uint16_t>(std::min(indices_.size(), max_sources - 1));
  return found->second;
}

void near_sources::heard(const std::string& id, time_point until) {
  const auto index = index_of(id);
  if (index == max_sources - 1) return;
  auto& known = until_[index];
  auto before = known.load(std::memory_order_relaxed);
  const auto wanted = until.time_since_epoch().count();
  while (before < wanted && !known.compare_exchange_weak(before, wanted, std::memory_order_relaxed)
  ) {
  }
}

void near_sources::accept(std::uint16_t slot, std::uint64_t epoch, const std::string& id) {
  auto& of = slots_[slot];
  const auto index = index_of(id);
  if (of.epoch.load(std::memory_order_acquire) == epoch &&
      of.source.load(std::memory_order_relaxed) == index)
    return;
  of.epoch.store(0, std::memory_order_release);
  of.source.store(index, std::memory_order_relaxed);
  of.epoch.store(epoch, std::memory_order_release);
}

}  // namespace weir
