#include "entries/entry_index.hpp"

namespace weir {
namespace {

constexpr std::uint64_t one_overflow = std::uint64_t{1} << 56;
constexpr std::uint64_t max_overflow = 255;

}  // namespace

// Stands in for the groups of an empty index, so that find() needs no special case. Never written.
entry_index::group entry_index::nothing;

entry_index::~entry_index() {
  if (limit_ != 0) delete[] groups_.load(std::memory_order_relaxed);
}

std::size_t entry_index::group_count() const noexcept {
  return limit_ == 0 ? 0 : mask_.load(std::memory_order_relaxed) + 1;
}

std::size_t entry_index::memory() const noexcept {
  return group_count() * sizeof(group);
}

void entry_index::insert(stored_entry& entry) noexcept {
  place(groups_.load(std::memory_order_relaxed), mask_.load(std::memory_order_relaxed), entry);
  ++size_;
}

void entry_index::place(group* groups, std::size_t mask, stored_entry& entry) noexcept {
  for (auto at = place_of(entry.hash);; ++at) {
    auto& group = groups[at & mask];
    const auto free = ~occupied(group.tags) & each_top;
    if (free == 0) {
      if (group.tags >> 56 != max_overflow) group.tags += one_overflow;
      continue;
    }
    const auto slot = std::countr_zero(free) / 8;
    group.entries[slot] = &entry;
    group.tags |= tag_of(entry.hash) << (slot * 8);
    return;
  }
}

void entry_index::erase(const stored_entry& entry) noexcept {
  auto* groups = groups_.load(std::memory_order_relaxed);
  const auto mask = mask_.load(std::memory_order_relaxed);
  for (auto at = place_of(entry.hash);; ++at) {
    auto& group = groups[at & mask];
    for (std::size_t slot = 0; slot != group_size; ++slot) {
      if (group.entries[slot] != &entry) continue;
      group.entries[slot] = nullptr;
      group.tags &= ~(std::uint64_t{0xff} << (slot * 8));
      --size_;
      return;
    }
    if (group.tags >> 56 != max_overflow) group.tags -= one_overflow;
  }
}

void entry_index::grow() {
  const auto old_count = group_count();
  const auto count = old_count == 0 ? 1 : old_count * 2;
  auto* old = groups_.load(std::memory_order_relaxed);
  auto* groups = new group[count];
  constexpr std::size_t ahead = 4;
  for (std::size_t i = 0; i != old_count; ++i) {
    if (i + ahead < old_count) {
      visit_group(i + ahead, [](stored_entry& entry) { __builtin_prefetch(&entry.hash); });
    }
    visit_group(i, [&](stored_entry& entry) { place(groups, count - 1, entry); });
  }
  groups_.store(groups, std::memory_order_relaxed);
  mask_.store(count - 1, std::memory_order_relaxed);
  limit_ = count * group_size * 4 / 5;
  if (old_count != 0) delete[] old;
}

}  // namespace weir
