#include "engine/ring/routing.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace weir {
namespace {

const time_point routed_at{};

std::shared_ptr<routing> routed(std::string self, std::vector<member> members) {
  auto made = std::make_shared<routing>();
  made->members = view(std::move(members));
  made->ring = std::make_shared<ring>(made->members);
  const auto& all = made->members.members();
  made->self = static_cast<std::uint16_t>(made->members.find(self) - all.data());
  return made;
}

std::uint16_t slot_of_owner(const routing& in, const std::string& id) {
  std::uint16_t slot = 0;
  while (in.ring->owner(slot).id != id) ++slot;
  return slot;
}

TEST(RoutingTest, ASlotThatHasAlwaysBeenHereHasNoFormerOwner) {
  routing_cell cell;
  cell.set(routed("a", {{.id = "a"}}), routed_at);
  cell.set(routed("a", {{.id = "a"}, {.id = "b"}}), routed_at);
  const auto now = routed("a", {{.id = "a"}, {.id = "b"}});
  EXPECT_EQ(cell.former(slot_of_owner(*now, "a")).route, nullptr);
  EXPECT_TRUE(cell.has_lost(routed_at, milliseconds(0)));
}

TEST(RoutingTest, LaterChangesElsewhereDoNotHideFromWhomASlotCame) {
  const auto three = routed("a", {{.id = "a"}, {.id = "b"}, {.id = "c"}});
  const auto of_b = slot_of_owner(*three, "b");
  routing_cell cell;
  cell.set(three, routed_at);
  cell.set(
      routed("a", {{.id = "a"}, {.id = "b", .weight = 0}, {.id = "c", .weight = 0}}), routed_at
  );
  const auto gained = cell.former(of_b);
  ASSERT_NE(gained.route, nullptr);
  EXPECT_EQ(gained.route->ring->owner(of_b).id, "b");

  // b is gone for good: the ring is another one, the slot has not moved.
  cell.set(routed("a", {{.id = "a"}, {.id = "c", .weight = 0}}), routed_at + milliseconds(5));
  EXPECT_EQ(cell.former(of_b).number, gained.number);
  EXPECT_EQ(cell.former(of_b).ended, routed_at);
}

TEST(RoutingTest, OnlyTheLatestGainsAreRemembered) {
  routing_cell cell;
  const std::vector<member> alone{{.id = "a"}, {.id = "b", .weight = 0}};
  const std::vector<member> both{{.id = "a"}, {.id = "b"}};
  cell.set(routed("a", both), routed_at);
  const auto of_b = slot_of_owner(*cell.get(), "b");
  std::uint32_t last = 0;
  for (std::size_t i = 0; i != routing_cell::max_former + 3; ++i) {
    EXPECT_GT(cell.next_gain(), last);
    cell.set(routed("a", alone), routed_at);
    last = cell.former(of_b).number;
    cell.set(routed("a", both), routed_at);
    EXPECT_EQ(cell.former(of_b).route, nullptr) << "it is another's now";
  }
  EXPECT_EQ(last, routing_cell::max_former + 3);
}

}  // namespace
}  // namespace weir
