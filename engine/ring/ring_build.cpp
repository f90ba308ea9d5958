#define XXH_INLINE_ALL
#include <weir/engine/ring.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <numeric>
#include <span>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <xxhash.h>

namespace weir {

namespace {

// Changing any of these moves keys in running clusters; golden values in the tests guard them.
constexpr std::uint64_t ring_seed = 0x7765697272696e67;  // "weirring"
constexpr unsigned slot_bits = 14;
constexpr std::size_t kept_per_slot = 8;
static_assert(slot_count == 1u << slot_bits);

// Point `number` of a node: XXH3 of the number as 8 bytes, low byte first, seeded by the id's hash.
std::uint64_t point_of(std::uint64_t id_hash, std::uint64_t number) {
  if constexpr (std::endian::native == std::endian::big) number = __builtin_bswap64(number);
  return XXH3_64bits_withSeed(&number, sizeof number, id_hash);
}

// The first points after one slot's position and before the next slot's, of distinct nodes.
// Keeping the first eight of each slot bounds memory whatever the weights are; owner and gutter
// without a bound are the same as with all points kept, and adding or removing points of one node
// never changes the order of the others.
class arc {
 public:
  void add(std::uint64_t point, std::uint16_t node) {
    const std::pair added{point, node};
    if (size_ == kept_per_slot && at(size_ - 1) < added) return;
    std::size_t hole = size_;
    for (std::size_t i = 0; i < size_; ++i) {
      if (nodes_[i] != node) continue;
      if (points_[i] <= point) return;
      hole = i;
      break;
    }
    if (hole == size_) size_ < kept_per_slot ? ++size_ : --hole;
    for (; hole > 0 && added < at(hole - 1); --hole) put(hole, at(hole - 1));
    put(hole, added);
  }

  // No point beyond this one would be kept.
  std::uint64_t limit() const {
    return size_ < kept_per_slot ? ~std::uint64_t{0} : points_[kept_per_slot - 1];
  }

  std::span<const std::uint16_t> nodes() const { return std::span(nodes_).first(size_); }

 private:
  std::pair<std::uint64_t, std::uint16_t> at(std::size_t i) const {
    return {points_[i], nodes_[i]};
  }

  void put(std::size_t i, std::pair<std::uint64_t, std::uint16_t> what) {
    std::tie(points_[i], nodes_[i]) = what;
  }

  std::array<std::uint64_t, kept_per_slot> points_{};
  std::array<std::uint16_t, kept_per_slot> nodes_{};
  std::size_t size_ = 0;
};

// Where no node takes slots, every node does: a ring always has an owner for each.
std::vector<std::uint32_t> weights_of(const std::vector<member>& members) {
  std::vector<std::uint32_t> out;
  out.reserve(members.size());
  for (const auto& each : members) out.push_back(each.weight);
  if (std::all_of(out.begin(), out.end(), [](auto weight) { return weight == 0; })) {
    std::fill(out.begin(), out.end(), 1);
  }
  return out;
}

// Most slots that each node may own: its fair share by weight times `factor`, rounded up.
std::vector<std::uint32_t> bounds(const std::vector<std::uint32_t>& weights, double factor) {
  const auto sum = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
  std::vector<std::uint32_t> bounds;
  for (const auto weight : weights) {
    const double fair = static_cast<double>(slot_count) * weight / static_cast<double>(sum);
    const double most = std::min(std::ceil(fair * factor), double{slot_count});
    bounds.push_back(factor == 0 ? slot_count : static_cast<std::uint32_t>(most));
  }
  return bounds;
}

}  // namespace

ring::ring(const view& of) : ring(of.members(), of.settings()) {}

ring::ring(std::vector<member> members, ring_settings settings)
    : members_(sorted_by_id(std::move(members))) {
  if (members_.empty()) {
    throw std::invalid_argument("ring: no members; a ring needs at least this node");
  }
  if (auto fault = check_members(members_, settings, max_members); !fault.empty()) {
    throw std::invalid_argument(fault);
  }
  const auto weights = weights_of(members_);
  place_points(weights, settings.vnodes);
  assign_owners(bounds(weights, settings.bounded_load));
}

void ring::place_points(const std::vector<std::uint32_t>& weights, std::uint32_t vnodes) {
  std::vector<arc> arcs(slot_count);
  std::vector<std::uint64_t> limits(
      slot_count, ~std::uint64_t{0}
  );  // beside the arcs: stays cached
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const auto& id = members_[i].id;
    const auto id_hash = XXH3_64bits_withSeed(id.data(), id.size(), ring_seed);
    const std::uint64_t points = std::uint64_t{vnodes} * weights[i];
    for (std::uint64_t number = 0; number < points; ++number) {
      const auto point = point_of(id_hash, number);
      const auto slot = point >> (64 - slot_bits);
      if (point > limits[slot]) continue;
      arcs[slot].add(point, static_cast<std::uint16_t>(i));
      limits[slot] = arcs[slot].limit();
    }
  }

  // A run of one node's points becomes one entry, so that the next entry is the next distinct node.
  constexpr std::uint32_t empty = 0xffffffff;
  first_.assign(slot_count, empty);
  for (std::size_t slot = 0; slot < slot_count; ++slot) {
    for (const auto node : arcs[slot].nodes()) {
      if (walk_.empty() || walk_.back() != node) walk_.push_back(node);
      if (first_[slot] == empty) first_[slot] = static_cast<std::uint32_t>(walk_.size() - 1);
    }
  }
  // The circle closes: the last run may be the beginning of the first, and slots without points of
  // their own begin where the next slot does.
  if (walk_.size() > 1 && walk_.back() == walk_.front()) walk_.pop_back();
  std::uint32_t next = 0;
  for (std::size_t slot = slot_count; slot-- > 0;) {
    if (first_[slot] != empty) next = first_[slot] % static_cast<std::uint32_t>(walk_.size());
    first_[slot] = next;
  }
}

void ring::assign_owners(const std::vector<std::uint32_t>& most) {
  constexpr std::uint16_t nobody = 0xffff;
  const auto has_room = [&](std::uint16_t node) { return loads_[node] < most[node]; };
  const auto entries = static_cast<std::uint32_t>(walk_.size());
  owners_.assign(slot_count, nobody);
  gutters_.assign(slot_count, nobody);
  loads_.assign(members_.size(), 0);

  const auto give = [&](std::uint16_t slot, std::uint32_t entry) {
    owners_[slot] = walk_[entry];
    gutters_[slot] = walk_[(entry + 1) % entries];
    ++loads_[walk_[entry]];
  };

  // First every node's own slots, so that what one node passes on displaces no slot of another.
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    if (has_room(walk_[first_[slot]])) give(slot, first_[slot]);
  }

  // Then the rest, in slot order. Nodes only fill up, so entries once passed over stay passed over:
  // hops[i] is the next entry worth a look, and paths shorten as they are walked.
  std::vector<std::uint32_t> hops(entries);
  std::iota(hops.begin(), hops.end(), 0);
  const auto next_with_room = [&](std::uint32_t entry) {
    for (std::uint32_t steps = 0; steps < entries; ++steps) {
      if (hops[entry] == entry) {
        if (has_room(walk_[entry])) return entry;
        hops[entry] = (entry + 1) % entries;
      }
      hops[entry] = hops[hops[entry]];
      entry = hops[entry];
    }
    return entries;
  };
  std::uint16_t light = 0;
  bool walk_full = false;
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    if (owners_[slot] != nobody) continue;
    const auto entry = walk_full ? entries : next_with_room(first_[slot]);
    walk_full = entry == entries;
    if (!walk_full) {
      give(slot, entry);
      continue;
    }
    // Only nodes too light to be on the walk have room left; the bounds add up to all slots or
    // more.
    while (!has_room(light)) ++light;
    owners_[slot] = light;
    gutters_[slot] = walk_[first_[slot]];
    ++loads_[light];
  }
}

}  // namespace weir
