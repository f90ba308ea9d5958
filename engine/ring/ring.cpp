#include <weir/engine/ring.hpp>

#include <algorithm>

namespace weir {

std::size_t ring::next_distinct(std::uint16_t slot, std::span<std::uint16_t> out) const noexcept {
  std::size_t found = 0;
  const auto add = [&](std::uint16_t node) {
    const auto known = out.first(found);
    if (found < out.size() && std::find(known.begin(), known.end(), node) == known.end()) {
      out[found++] = node;
    }
  };
  add(owners_[slot]);
  add(gutters_[slot]);
  const auto wanted = std::min(out.size(), members_.size());
  for (std::size_t step = 0; step < walk_.size() && found < wanted; ++step) {
    add(walk_[(first_[slot] + step) % walk_.size()]);
  }
  return found;
}

std::vector<std::uint16_t> ring::slots_of(std::uint16_t index) const {
  std::vector<std::uint16_t> slots;
  slots.reserve(loads_[index]);
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    if (owners_[slot] == index) slots.push_back(slot);
  }
  return slots;
}

std::vector<std::uint16_t> moved_slots(const ring& a, const ring& b) {
  // Positions of a's members among b's; both lists are sorted by id.
  constexpr std::uint16_t gone = 0xffff;
  std::vector<std::uint16_t> in_b(a.size(), gone);
  for (std::size_t i = 0, j = 0; i < a.size(); ++i) {
    while (j < b.size() && b.members()[j].id < a.members()[i].id) ++j;
    if (j < b.size() && b.members()[j].id == a.members()[i].id) {
      in_b[i] = static_cast<std::uint16_t>(j);
    }
  }
  std::vector<std::uint16_t> moved;
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    if (in_b[a.owner_index(slot)] != b.owner_index(slot)) moved.push_back(slot);
  }
  return moved;
}

}  // namespace weir
