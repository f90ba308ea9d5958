#include "tests/engine/keyspace/cache_fixture.hpp"

#include <weir/engine/session.hpp>

namespace weir::test {
namespace {

using verdict = session_order::verdict;

TEST(SessionOrderTest, AVersionOfOneEpochNeverGoesBack) {
  session_order order;
  EXPECT_EQ(order.judge("a", {1, 5}), verdict::good);
  order.note("a", {1, 5});
  EXPECT_EQ(order.judge("a", {1, 4}), verdict::older);
  EXPECT_EQ(order.judge("a", {1, 5}), verdict::good);
  order.note("a", {1, 3});  // a slow answer
  EXPECT_EQ(order.judge("a", {1, 4}), verdict::older);
  EXPECT_EQ(order.judge("b", {1, 1}), verdict::good);
}

TEST(SessionOrderTest, TwoEpochsCannotBeCompared) {
  session_order order;
  order.note("a", {1, 5});
  EXPECT_EQ(order.judge("a", {2, 9}), verdict::unsure);
  order.note("a", {2, 9});  // the owner said so
  EXPECT_EQ(order.judge("a", {2, 9}), verdict::good);
  EXPECT_EQ(order.judge("a", {1, 7}), verdict::unsure);
}

TEST(SessionOrderTest, AValueWithoutVersionIsOutside) {
  session_order order;
  order.note("a", {1, 5});
  EXPECT_EQ(order.judge("a", {}), verdict::good);
  order.note("a", {});
  EXPECT_EQ(order.judge("a", {1, 4}), verdict::older);
}

TEST(SessionOrderTest, AfterAChangeOfUnknownVersionTheOwnerIsAsked) {
  session_order order;
  order.note("a", {1, 5});
  order.doubt("a");
  EXPECT_EQ(order.judge("a", {1, 9}), verdict::unsure);
  order.note("a", {1, 9});
  EXPECT_EQ(order.judge("a", {1, 9}), verdict::good);
  order.doubt_all();
  EXPECT_EQ(order.judge("b", {1, 1}), verdict::unsure);
}

TEST(SessionOrderTest, TheLastKeysAreRememberedAndTheOthersKnownToBeForgotten) {
  session_order order;
  for (std::uint64_t i = 0; i != 10'000; ++i) order.note(std::to_string(i), {1, i + 1});
  for (std::uint64_t i = 10'000 - session_order::max_keys / 2; i != 10'000; ++i) {
    EXPECT_EQ(order.judge(std::to_string(i), {1, i}), verdict::older);
  }
  for (std::uint64_t i = 0; i != 8'000; ++i) {
    EXPECT_EQ(order.judge(std::to_string(i), {1, i + 1}), verdict::unsure);
  }
}

class SessionTest : public CacheTest {};

TEST_F(SessionTest, SeesItsOwnChanges) {
  auto session = users_.session();
  source_->answer_with("from the source");
  ASSERT_TRUE(session.put("a", "mine"));
  EXPECT_EQ(session.get("a")->text(), "mine");
  ASSERT_TRUE(session.remove("a"));
  EXPECT_EQ(session.get("a").error(), errc::not_found);
  ASSERT_TRUE(session.invalidate("a"));
  EXPECT_EQ(session.get("a")->text(), "from the source");
  const auto decided = [](const entry*) -> result<update_decision> {
    return update_decision("new");
  };
  ASSERT_TRUE(session.update("a", decided));
  EXPECT_EQ(session.get("a")->text(), "new");
  ASSERT_TRUE(session.clear());
  EXPECT_EQ(session.get("a")->text(), "from the source");
}

TEST_F(SessionTest, OfNothingFailsAsItsKeyspace) {
  session none;
  EXPECT_EQ(none.get("a").error(), errc::no_keyspace);
  EXPECT_EQ(none.put("a", "b").error(), errc::no_keyspace);
}

}  // namespace
}  // namespace weir::test
