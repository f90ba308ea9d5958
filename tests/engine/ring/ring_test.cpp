#define XXH_INLINE_ALL
#include <weir/engine/ring.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <random>
#include <stdexcept>
#include <xxhash.h>

namespace weir {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr int sets = 200;
constexpr ring_settings unbounded{.vnodes = 512, .bounded_load = 0};

std::vector<member> nodes(std::initializer_list<const char*> ids) {
  std::vector<member> members;
  for (const auto* id : ids) members.push_back({id, 1, 1, ""});
  return members;
}

// Names as operators give them: three styles in turn, another set of names for each number.
std::vector<member> node_set(int set, int count) {
  std::vector<member> members;
  for (int i = 0; i < count; ++i) {
    const auto s = std::to_string(set), n = std::to_string(i);
    const std::array names{
        "set" + s + "-node-" + n, "weir-" + n + ".ns" + s, "10." + s + ".0." + n + ":7000"};
    members.push_back({names[set % names.size()], 1, 1, ""});
  }
  return members;
}

std::string joiner_of(int set) {
  return "joins-" + std::to_string(set);
}

std::vector<member> joined_by(std::vector<member> members, std::string id) {
  members.push_back({std::move(id), 1, 1, ""});
  return members;
}

std::vector<std::uint16_t> owners(const ring& of) {
  std::vector<std::uint16_t> all;
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) all.push_back(of.owner_index(slot));
  return all;
}

double busiest_over_mean(const ring& of) {
  std::uint32_t most = 0;
  for (std::uint16_t i = 0; i < of.size(); ++i) most = std::max(most, of.load(i));
  return static_cast<double>(most) * static_cast<double>(of.size()) / slot_count;
}

/// The slots that the node at `index` owns, ascending.
std::vector<std::uint16_t> slots_of(const ring& of, std::uint16_t index) {
  std::vector<std::uint16_t> slots;
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    if (of.owner_index(slot) == index) slots.push_back(slot);
  }
  return slots;
}

void expect_within_bounds(const ring& of, double factor) {
  double weights = 0;
  for (const auto& each : of.members()) weights += each.weight;
  std::uint32_t total = 0;
  for (std::uint16_t i = 0; i < of.size(); ++i) {
    const double fair = slot_count * of.members()[i].weight / weights;
    EXPECT_LE(of.load(i), std::ceil(fair * factor)) << of.members()[i].id;
    EXPECT_EQ(of.load(i), slots_of(of, i).size());
    total += of.load(i);
  }
  EXPECT_EQ(total, slot_count);
}

// The definition without any shortcut: all points sorted, every walk taken step by step.
struct plain_ring {
  std::vector<std::pair<std::uint64_t, std::uint16_t>> points;
  std::vector<std::uint16_t> owner, gutter;

  plain_ring(const std::vector<member>& sorted, ring_settings settings)
      : owner(slot_count, 0xffff), gutter(slot_count, 0xffff) {
    double weights = 0;
    for (std::uint16_t i = 0; i < sorted.size(); ++i) {
      const auto& id = sorted[i].id;
      const auto seed = XXH3_64bits_withSeed(id.data(), id.size(), 0x7765697272696e67);
      for (std::uint64_t number = 0; number < settings.vnodes * sorted[i].weight; ++number) {
        points.emplace_back(XXH3_64bits_withSeed(&number, sizeof number, seed), i);
      }
      weights += sorted[i].weight;
    }
    std::sort(points.begin(), points.end());

    std::vector<double> room;
    for (const auto& each : sorted) {
      room.push_back(std::ceil(slot_count * each.weight / weights * settings.bounded_load));
    }
    for (const bool own_only : {true, false}) {
      for (std::uint32_t slot = 0; slot < slot_count; ++slot) {
        if (owner[slot] != 0xffff) continue;
        const std::pair from{std::uint64_t{slot} << 50, std::uint16_t{0}};
        auto at = std::lower_bound(points.begin(), points.end(), from) - points.begin();
        const auto node = [&] {
          return points[static_cast<std::size_t>(at) % points.size()].second;
        };
        if (own_only && room[node()] == 0) continue;
        while (room[node()] == 0) ++at;
        owner[slot] = node();
        --room[node()];
        while (node() == owner[slot]) ++at;
        gutter[slot] = node();
      }
    }
  }
};

TEST(RingTest, MappingIsThatOfTheDefinition) {
  auto members = sorted_by_id(node_set(2, 8));
  members[5].weight = 3;
  for (const double factor : {1.0, 1.05, 1.25, max_bounded_load}) {
    for (const std::uint32_t vnodes : {1u, 3u, 64u, 512u}) {
      const ring_settings settings{.vnodes = vnodes, .bounded_load = factor};
      const ring r(members, settings);
      const plain_ring plain(members, settings);
      for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
        ASSERT_EQ(r.owner_index(slot), plain.owner[slot]) << slot << " " << vnodes << " " << factor;
        ASSERT_EQ(r.gutter_index(slot), plain.gutter[slot])
            << slot << " " << vnodes << " " << factor;
      }
    }
  }
}

TEST(RingTest, MappingOfManyNodesIsThatOfTheDefinition) {
  const auto members = sorted_by_id(node_set(11, 200));
  const ring r(members, unbounded);
  const plain_ring plain(members, {.vnodes = 512, .bounded_load = 1000});
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    ASSERT_EQ(r.owner_index(slot), plain.owner[slot]) << slot;
    ASSERT_EQ(r.gutter_index(slot), plain.gutter[slot]) << slot;
  }
}

// Nodes of different releases must agree: a change of these values moves keys in running clusters.
TEST(RingTest, AMemberOfWeightZeroOwnsNothingAndChangesNothingForTheOthers) {
  const ring two({{.id = "a"}, {.id = "b"}});
  const ring three({{.id = "a"}, {.id = "b"}, {.id = "c", .weight = 0}});
  for (std::uint16_t slot = 0; slot != slot_count; ++slot) {
    ASSERT_EQ(three.owner(slot).id, two.owner(slot).id) << slot;
    ASSERT_EQ(three.gutter(slot).id, two.gutter(slot).id) << slot;
  }
}

TEST(RingTest, WhereNobodyHasWeightAllCountAlike) {
  const ring none({{.id = "a", .weight = 0}, {.id = "b", .weight = 0}});
  const ring equal({{.id = "a"}, {.id = "b"}});
  for (std::uint16_t slot = 0; slot != slot_count; ++slot) {
    ASSERT_EQ(none.owner(slot).id, equal.owner(slot).id) << slot;
  }
}

TEST(RingTest, MappingStaysWhatItIs) {
  const ring r(nodes({"weir-0", "weir-1", "weir-2", "weir-3", "weir-4"}));
  std::vector<std::string> owners, gutters;
  for (const std::uint16_t slot : {0, 1, 5061, 12182, 16383}) {
    owners.push_back(r.owner(slot).id);
    gutters.push_back(r.gutter(slot).id);
  }
  EXPECT_THAT(owners, ElementsAre("weir-2", "weir-2", "weir-4", "weir-4", "weir-2"));
  EXPECT_THAT(gutters, ElementsAre("weir-3", "weir-3", "weir-0", "weir-0", "weir-3"));
  std::vector<std::uint32_t> loads;
  for (std::uint16_t i = 0; i < r.size(); ++i) loads.push_back(r.load(i));
  EXPECT_THAT(loads, ElementsAre(3255, 3317, 3235, 2926, 3651));
  std::uint64_t all = 0;  // over owners and gutters of all slots
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    all = all * 1099511628211u + r.owner_index(slot) * 8u + r.gutter_index(slot);
  }
  EXPECT_EQ(all, 12648723062603013400u);
}

TEST(RingTest, OrderOfTheListDoesNotMatter) {
  auto members = node_set(1, 16);
  const ring in_order(members);
  std::shuffle(members.begin(), members.end(), std::mt19937(1));
  const ring shuffled(members);
  EXPECT_EQ(owners(shuffled), owners(in_order));
  EXPECT_THAT(moved_slots(in_order, shuffled), IsEmpty());
}

TEST(RingTest, IncarnationsAndAddressesDoNotMatter) {
  auto members = node_set(1, 16);
  const ring before(members);
  for (auto& each : members) {
    each.incarnation += 100;
    each.address = "10.9.9.9:1";
  }
  const ring after(members);
  EXPECT_EQ(owners(after), owners(before));
  EXPECT_EQ(after.owner(0).incarnation, 101u);
  EXPECT_EQ(after.owner(0).address, "10.9.9.9:1");
}

TEST(RingTest, RingOfAViewIsThatOfItsMembersAndSettings) {
  const view v(node_set(3, 5), {.vnodes = 64, .bounded_load = 1.1});
  EXPECT_EQ(owners(ring(v)), owners(ring(v.members(), v.settings())));
  EXPECT_NE(owners(ring(v)), owners(ring(v.members())));
}

TEST(RingTest, SlotsAreSpreadEvenly) {
  double sum = 0;
  for (int set = 0; set < sets; ++set) {
    const ring r(node_set(set, 16));
    const double busiest = busiest_over_mean(r);
    EXPECT_LE(busiest, 1.25) << set;
    sum += busiest;
  }
  EXPECT_LE(sum / sets, 1.12);
}

TEST(RingTest, NoNodeOwnsMoreThanItsBound) {
  for (const double factor : {1.25, 1.05, 1.0}) {
    for (const int count : {1, 2, 3, 16, 100}) {
      expect_within_bounds(
          ring(node_set(count, count), {.vnodes = 64, .bounded_load = factor}), factor
      );
    }
  }
}

TEST(RingTest, WithoutABoundAJoinMovesSlotsOnlyToTheNewNode) {
  double sum = 0;
  for (int set = 0; set < sets; ++set) {
    const auto members = node_set(set, 16);
    const ring before(members, unbounded), after(joined_by(members, joiner_of(set)), unbounded);
    const auto moved = moved_slots(before, after);
    for (const auto slot : moved) EXPECT_EQ(after.owner(slot).id, joiner_of(set));
    const double of_ideal = static_cast<double>(moved.size()) * 17 / slot_count;
    EXPECT_LE(of_ideal, 1.3) << set;
    sum += of_ideal;
  }
  EXPECT_LE(sum / sets, 1.08);
}

TEST(RingTest, WithTheBoundAJoinMovesHardlyMore) {
  double sum = 0;
  for (int set = 0; set < sets; ++set) {
    const auto members = node_set(set, 16);
    const auto moved = moved_slots(ring(members), ring(joined_by(members, joiner_of(set))));
    const double of_ideal = static_cast<double>(moved.size()) * 17 / slot_count;
    EXPECT_LE(of_ideal, 1.3) << set;
    sum += of_ideal;
  }
  EXPECT_LE(sum / sets, 1.08);
}

TEST(RingTest, AnActiveBoundMovesLittleBetweenSurvivors) {
  constexpr ring_settings tight{.vnodes = 512, .bounded_load = 1.05};
  double sum = 0;
  for (int set = 0; set < sets / 4; ++set) {
    const auto members = node_set(set, 16);
    sum += static_cast<double>(
        moved_slots(ring(members, tight), ring(joined_by(members, joiner_of(set)), tight)).size()
    );
  }
  EXPECT_LE(sum / (sets / 4) * 17 / slot_count, 1.08);
}

TEST(RingTest, GutterIsWhoOwnsTheSlotWhenTheOwnerLeaves) {
  const auto members = node_set(7, 6);
  const ring whole(members, unbounded);
  for (const auto& leaver : members) {
    auto rest = members;
    std::erase(rest, leaver);
    const ring without(rest, unbounded);
    for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
      const auto& heir = whole.owner(slot) == leaver ? whole.gutter(slot) : whole.owner(slot);
      ASSERT_EQ(without.owner(slot).id, heir.id) << slot;
    }
  }
}

TEST(RingTest, GutterIsAnotherNodeUnlessTheOwnerIsAlone) {
  for (const double factor : {0.0, 1.0, 1.25}) {
    for (const std::uint32_t vnodes : {1u, 2u, 512u}) {
      for (const int count : {2, 3, 16, 60}) {
        const ring r(node_set(count, count), {.vnodes = vnodes, .bounded_load = factor});
        for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
          ASSERT_NE(r.gutter_index(slot), r.owner_index(slot)) << slot << " of " << count;
        }
      }
    }
  }
}

TEST(RingTest, ALoneNodeOwnsEverything) {
  const ring r(nodes({"only"}));
  EXPECT_EQ(r.load(0), slot_count);
  EXPECT_EQ(r.share(0), 1.0);
  EXPECT_EQ(r.gutter_index(5), 0);
}

TEST(RingTest, WeightsSetTheShares) {
  auto members = node_set(4, 8);
  for (std::size_t i = 0; i < members.size(); ++i) members[i].weight = i < 4 ? 1 : 3;
  const ring r(members, unbounded);
  for (std::uint16_t i = 0; i < r.size(); ++i) {
    const double fair = r.members()[i].weight / 16.0;
    EXPECT_NEAR(r.share(i), fair, fair * 0.2) << r.members()[i].id;
  }
  expect_within_bounds(ring(members), 1.25);
  expect_within_bounds(ring(members, {.bounded_load = 1.0}), 1.0);
}

TEST(RingTest, MoreWeightOnlyTakesSlots) {
  auto members = node_set(5, 8);
  const ring before(members, unbounded);
  members[3].weight = 2;
  const ring after(members, unbounded);
  for (const auto slot : moved_slots(before, after)) {
    EXPECT_EQ(after.owner(slot).id, members[3].id);
  }
}

TEST(RingTest, HeavyAndLightNodesGetAlong) {
  auto members = node_set(6, 24);
  for (auto& each : members) each.weight = max_weight;
  members.back().weight = 1;
  const ring r(members, {.vnodes = 64, .bounded_load = 1.0});
  expect_within_bounds(r, 1.0);
  for (std::uint16_t slot = 0; slot < slot_count; ++slot) {
    ASSERT_NE(r.gutter_index(slot), r.owner_index(slot));
  }
}

TEST(RingTest, MovedSlotsOfALeaverAreItsSlots) {
  const auto members = node_set(9, 5);
  auto rest = members;
  rest.erase(rest.begin() + 2);
  const ring before(members, unbounded), after(rest, unbounded);
  const auto& ids = before.members();
  const auto leaver = std::find_if(ids.begin(), ids.end(), [&](const member& each) {
    return each.id == members[2].id;
  });
  const auto index = static_cast<std::uint16_t>(leaver - ids.begin());
  EXPECT_EQ(moved_slots(before, after), slots_of(before, index));
  EXPECT_EQ(moved_slots(after, before), slots_of(before, index));
  EXPECT_EQ(moved_slots(before, ring(nodes({"stranger"}))).size(), slot_count);
}

TEST(RingTest, RefusesBadInput) {
  EXPECT_THROW(ring{view{}}, std::invalid_argument);
  EXPECT_THROW(ring(std::vector<member>{}), std::invalid_argument);
  EXPECT_THROW(ring(nodes({"a", "a"})), std::invalid_argument);
  EXPECT_THROW(ring(nodes({"a"}), {.vnodes = 0}), std::invalid_argument);
  EXPECT_THROW(ring(node_set(1, ring::max_members + 1)), std::invalid_argument);
}

TEST(RingTest, BuildsBeyondTheLimitOfViews) {
  expect_within_bounds(ring(node_set(1, 1000)), 1.25);
}

}  // namespace
}  // namespace weir
