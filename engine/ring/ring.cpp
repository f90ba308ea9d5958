#include <weir/engine/ring.hpp>

namespace weir {

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
