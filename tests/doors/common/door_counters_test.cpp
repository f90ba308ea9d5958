#include "doors/common/door_counters.hpp"

#include "tests/support/enum_names.hpp"

namespace weir {
namespace {

using namespace std::chrono_literals;

TEST(DoorCountersTest, EachOperationHasAName) {
  test::expect_named<door_op>(door_op_count, "?");
}

TEST(DoorCountersTest, EachOutcomeHasAName) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i != door_outcome::count; ++i) names.insert(door_outcome::at(i).name());
  EXPECT_EQ(names.size(), door_outcome::count);
  EXPECT_EQ(door_outcome().name(), "ok");
  EXPECT_EQ(door_outcome(errc::protocol).name(), "protocol");
  EXPECT_EQ(door_outcome::partial().name(), "partial");
}

TEST(DoorCountersTest, CountByOperationAndOutcome) {
  request_counters counters;
  counters.count(door_op::get, {}, 2ms, 10);
  counters.count(door_op::get, errc::not_found, -1ms, 0);
  counters.count(door_op::clear, door_outcome::partial(), 1s, 0);
  EXPECT_EQ(counters.total(door_op::get, {}), 1u);
  EXPECT_EQ(counters.total(door_op::get, errc::not_found), 1u);
  EXPECT_EQ(counters.total(door_op::put, {}), 0u);
  EXPECT_EQ(counters.total(door_op::clear, door_outcome::partial()), 1u);
  EXPECT_EQ(counters.served(door_op::get), 10u);
  EXPECT_EQ(counters.durations(door_op::get).count, 2u);
  EXPECT_DOUBLE_EQ(counters.durations(door_op::get).seconds, 0.002) << "a time below 0 is 0";
}

TEST(DoorCountersTest, ThoseOfAKeyspaceStayWhereTheyAre) {
  door_counters all;
  auto& users = all.of("users");
  all.of("notes");
  EXPECT_EQ(&all.of("users"), &users);
  std::string seen;
  all.for_each([&](const std::string& name, const request_counters&) { seen += name + ' '; });
  EXPECT_EQ(seen, "notes users ");
}

}  // namespace
}  // namespace weir
