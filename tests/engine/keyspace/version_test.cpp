// Versions and preconditions of one owner: rules R1 to R7.

#include "tests/engine/keyspace/cache_fixture.hpp"

namespace weir::test {
namespace {

class VersionTest : public CacheTest {
 protected:
  error_code put_if(const std::string& key, version since) {
    const auto done = users_.put(key, "by token", {.condition = precondition::if_unchanged(since)});
    return done ? error_code() : done.error();
  }
};

TEST_F(VersionTest, APutWithTheVersionThatWasReadLands) {
  const auto read = users_.get("1")->version;
  EXPECT_FALSE(put_if("1", read));
  EXPECT_EQ(get("1"), "by token");
}

TEST_F(VersionTest, TheSameTokenLandsOnce) {
  const auto read = users_.get("1")->version;
  EXPECT_FALSE(put_if("1", read));
  EXPECT_EQ(put_if("1", read), errc::conflict);
}

TEST_F(VersionTest, AnAbsentKeyHasAVersionToo) {
  const auto absent = users_.observe("1").value();
  EXPECT_TRUE(absent);
  EXPECT_FALSE(put_if("1", absent));
}

TEST_F(VersionTest, ATokenOfAbsenceIsRefusedAfterAnyChange) {
  const auto absent = users_.observe("1").value();
  users_.invalidate("1").value();
  EXPECT_EQ(put_if("1", absent), errc::conflict);
}

TEST_F(VersionTest, ATokenIsRefusedAfterAPutOrRemove) {
  const auto read = users_.get("1")->version;
  users_.put("1", "other").value();
  EXPECT_EQ(put_if("1", read), errc::conflict);
  const auto put = users_.get("1")->version;
  users_.remove("1").value();
  EXPECT_EQ(put_if("1", put), errc::conflict);
}

TEST_F(VersionTest, ATokenIsRefusedAfterClear) {
  const auto read = users_.get("1")->version;
  users_.clear().value();
  EXPECT_EQ(put_if("1", read), errc::conflict);
}

TEST_F(VersionTest, ATokenIsRefusedAfterEvictionAndAnotherLoad) {
  use({.name = "users", .max_memory = 64 << 10, .writes = writes::allow});
  const auto read = users_.get("1")->version;
  source_->answer_with(std::string(1000, 'x'));
  for (int i = 2; i != 2000; ++i) get(std::to_string(i));
  ASSERT_FALSE(users_.peek("1"));
  get("1");
  EXPECT_EQ(put_if("1", read), errc::conflict);
}

TEST_F(VersionTest, ATokenOfAnotherEpochAlwaysConflicts) {
  auto read = users_.get("1")->version;
  read.epoch ^= 1;
  EXPECT_EQ(put_if("1", read), errc::conflict);
  EXPECT_EQ(put_if("1", {}), errc::conflict);
}

TEST_F(VersionTest, CreateOnlyWhereNothingIs) {
  EXPECT_TRUE(users_.put("1", "first", {.condition = precondition::if_absent()}));
  EXPECT_EQ(
      users_.put("1", "second", {.condition = precondition::if_absent()}).error(), errc::conflict
  );
  users_.remove("1").value();
  EXPECT_TRUE(users_.put("1", "third", {.condition = precondition::if_absent()}));
}

TEST_F(VersionTest, OfTwentyWritersWithOneTokenOneWins) {
  const auto read = users_.get("1")->version;
  std::vector<std::future<error_code>> writers;
  for (int i = 0; i != 20; ++i) {
    writers.push_back(std::async(std::launch::async, [&] { return put_if("1", read); }));
  }
  int landed = 0;
  for (auto& each : writers) landed += !each.get();
  EXPECT_EQ(landed, 1);
}

TEST(VersionText, RoundTripsAndRefusesTheRest) {
  const version v{0xfedcba9876543210, 42};
  EXPECT_EQ(to_string(v), "fedcba9876543210-2a");
  EXPECT_EQ(parse_version(to_string(v)), v);
  for (const auto* text :
       {"", "-", "1", "1-", "-1", "1-g", "+1-1", "11111111111111111-1", "1-1 "}) {
    EXPECT_FALSE(parse_version(text)) << text;
  }
}

}  // namespace
}  // namespace weir::test
