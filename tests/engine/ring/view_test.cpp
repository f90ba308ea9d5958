#include <weir/engine/ring.hpp>
#include <weir/engine/view.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

namespace weir {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::IsNull;
using testing::NotNull;

std::vector<member> three() {
  return {{"c", 3, 1, "10.0.0.3:7"}, {"a", 1, 2, "10.0.0.1:7"}, {"b", 2, 1, "10.0.0.2:7"}};
}

std::string fault(std::vector<member> members, ring_settings settings = {}) {
  try {
    view(std::move(members), settings);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "none";
}

TEST(ViewTest, SortsMembersById) {
  const view v(three());
  ASSERT_EQ(v.size(), 3u);
  EXPECT_EQ(v.members()[0].id, "a");
  EXPECT_EQ(v.members()[2].id, "c");
}

TEST(ViewTest, FindsMembersById) {
  const view v(three());
  ASSERT_THAT(v.find("b"), NotNull());
  EXPECT_EQ(v.find("b")->incarnation, 2u);
  EXPECT_THAT(v.find("bb"), IsNull());
  EXPECT_THAT(v.find(""), IsNull());
  EXPECT_THAT(v.find("z"), IsNull());
  EXPECT_THAT(view().find("a"), IsNull());
}

TEST(ViewTest, DigestStaysWhatItIs) {
  EXPECT_EQ(view(three()).digest(), 9558122911463150810u);
  EXPECT_EQ(view().digest(), 14158409349667847301u);
}

TEST(ViewTest, DigestIgnoresOrderAndAddresses) {
  auto moved = three();
  std::swap(moved[0], moved[2]);
  for (auto& each : moved) each.address = "elsewhere:1";
  EXPECT_EQ(view(moved).digest(), view(three()).digest());
  EXPECT_NE(view(moved), view(three()));
}

TEST(ViewTest, DigestTellsEverythingElseApart) {
  const auto usual = view(three()).digest();
  auto changed = three();
  changed[0].incarnation = 4;
  EXPECT_NE(view(changed).digest(), usual);
  changed = three();
  changed[0].weight = 2;
  EXPECT_NE(view(changed).digest(), usual);
  changed = three();
  changed[0].id = "d";
  EXPECT_NE(view(changed).digest(), usual);
  EXPECT_NE(view(three(), {.vnodes = 511}).digest(), usual);
  EXPECT_NE(view(three(), {.bounded_load = 1.5}).digest(), usual);
  EXPECT_EQ(
      view(three(), {.bounded_load = -0.0}).digest(), view(three(), {.bounded_load = 0}).digest()
  );
}

TEST(ViewTest, WithAddsOrReplaces) {
  const view v(three(), {.vnodes = 100});
  const auto more = v.with({"aa", 9, 1, ""});
  EXPECT_EQ(more.size(), 4u);
  EXPECT_EQ(more.members()[1].id, "aa");
  EXPECT_EQ(more.settings().vnodes, 100u);
  const auto again = v.with({"b", 5, 1, ""});
  EXPECT_EQ(again.size(), 3u);
  EXPECT_EQ(again.find("b")->incarnation, 5u);
  EXPECT_EQ(v.find("b")->incarnation, 2u);
}

TEST(ViewTest, WithoutTakesOneMemberAway) {
  const view v(three());
  EXPECT_THAT(v.without("b").find("b"), IsNull());
  EXPECT_EQ(v.without("b").with(*v.find("b")), v);
  EXPECT_EQ(v.without("x"), v);
  EXPECT_THAT(v.without("a").without("b").without("c").members(), IsEmpty());
}

TEST(ViewTest, RefusesBadMembers) {
  EXPECT_THAT(fault({{"", 1, 1, ""}}), HasSubstr("empty id"));
  EXPECT_THAT(fault({{std::string(max_name + 1, 'x'), 1, 1, ""}}), HasSubstr("65 bytes"));
  EXPECT_THAT(fault({{"a", 1, 1, ""}, {"b", 1, 1, ""}, {"a", 2, 1, ""}}), HasSubstr("called 'a'"));
  EXPECT_THAT(fault({{"a", 1, max_weight + 1, ""}}), HasSubstr("weight 101"));
  EXPECT_THROW((void)view(three()).with({"d", 1, max_weight + 1, ""}), std::invalid_argument);
}

TEST(ViewTest, RefusesBadSettings) {
  EXPECT_THAT(fault(three(), {.vnodes = 0}), HasSubstr("vnodes"));
  EXPECT_THAT(fault(three(), {.vnodes = max_vnodes + 1}), HasSubstr("vnodes"));
  EXPECT_THAT(fault(three(), {.bounded_load = 0.99}), HasSubstr("bounded_load"));
  EXPECT_THAT(fault(three(), {.bounded_load = -1}), HasSubstr("bounded_load"));
  EXPECT_THAT(fault(three(), {.bounded_load = 10.01}), HasSubstr("set 0 (off) or 1..10"));
  const auto nan = std::numeric_limits<double>::quiet_NaN();
  const auto infinite = std::numeric_limits<double>::infinity();
  EXPECT_THAT(fault(three(), {.bounded_load = nan}), HasSubstr("bounded_load"));
  EXPECT_THAT(fault(three(), {.bounded_load = infinite}), HasSubstr("bounded_load"));
}

TEST(ViewTest, HoldsMembersUpToItsLimits) {
  std::vector<member> many;
  for (std::size_t i = 0; i < max_view_members; ++i) {
    auto id = "n" + std::to_string(i);
    id.resize(max_name, 'x');
    many.push_back({id, 1, max_weight, ""});
  }
  const view largest(many, {.vnodes = max_vnodes, .bounded_load = max_bounded_load});
  EXPECT_EQ(largest.size(), max_view_members);
  many.push_back({"one-more", 1, 1, ""});
  EXPECT_THAT(fault(many), HasSubstr("257 members"));
}

TEST(ViewTest, ARingOfMoreMembersThanAViewIsHeldToItsPoints) {
  std::vector<member> many;
  for (std::size_t i = 0; i < 400; ++i)
    many.push_back({std::to_string(1000 + i), 1, max_weight, ""});
  EXPECT_THAT(check_members(many, {.vnodes = max_vnodes}, ring::max_members), HasSubstr("points"));
  EXPECT_THAT(check_members(many, {.vnodes = 512}, ring::max_members), IsEmpty());
}

}  // namespace
}  // namespace weir
