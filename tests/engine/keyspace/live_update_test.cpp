// Options and sources that change while a keyspace is used.
#include "tests/engine/keyspace/cache_fixture.hpp"

#include <optional>

namespace weir::test {
namespace {

constexpr milliseconds coarse{10};  // how far the clock of the hit path may be behind

class LiveUpdateTest : public CacheTest {
 protected:
  keyspace_options options_{.name = "users", .jitter = 0, .writes = writes::allow};

  keyspace_update change() { return cache_.update_keyspace(options_); }

  std::shared_ptr<scripted_source> take_over() {
    auto other = std::make_shared<scripted_source>();
    other->answer_with("new");
    last_ = cache_.update_keyspace(options_, std::shared_ptr<data_source>(other));
    return other;
  }

  milliseconds ttl_of(const std::string& key) { return users_.get(key).value().ttl; }

  keyspace_update last_;
};

TEST_F(LiveUpdateTest, KeepsWhatItHoldsAndItsHandles) {
  get("1");
  options_.negative_ttl = 1min;
  options_.loads = {.concurrent = 1, .queue = 2, .timeout = 1s};
  options_.near_memory = 1 << 20;
  options_.max_key = 8;
  const auto done = change();
  EXPECT_FALSE(done.is_replaced);
  EXPECT_EQ(done.dropped, 0u);
  EXPECT_EQ(get("1"), "value of 1");
  EXPECT_EQ(source_->loads("1"), 1);
  EXPECT_EQ(users_.options().loads.queue, 2u);
  EXPECT_EQ(get("123456789"), "too_large");
}

TEST_F(LiveUpdateTest, TheVerySourceItHasIsNoOther) {
  get("1");
  const auto done = cache_.update_keyspace(options_, std::shared_ptr<data_source>(source_));
  EXPECT_FALSE(done.is_replaced);
  EXPECT_TRUE(users_.peek("1"));
}

TEST_F(LiveUpdateTest, AShorterTtlCountsAtOnceFromTheLoad) {
  get("1");
  options_.ttl = 1min;
  EXPECT_EQ(change().dropped, 0u);
  EXPECT_LE(ttl_of("1"), 1min + coarse);
  EXPECT_GT(ttl_of("1"), 0ms);
  options_.ttl = 0ms;
  EXPECT_EQ(change().dropped, 1u);
  EXPECT_FALSE(users_.peek("1"));
  EXPECT_EQ(source_->loads("1"), 1);
}

TEST_F(LiveUpdateTest, AShorterNegativeTtlLeavesValuesAlone) {
  get("1");
  source_->answer_with([](std::string_view) { return loaded{.found = false}; });
  get("none");
  options_.negative_ttl = 0ms;
  EXPECT_EQ(change().dropped, 1u);
  EXPECT_TRUE(users_.peek("1"));
  EXPECT_FALSE(users_.peek("none"));
}

TEST_F(LiveUpdateTest, ALongerTtlIsForNewLoads) {
  options_.ttl = 1min;
  change();
  get("1");
  options_.ttl = 1h;
  EXPECT_EQ(change().dropped, 0u);
  EXPECT_LE(ttl_of("1"), 1min + coarse);
  EXPECT_GT(ttl_of("2"), 1min);
}

TEST_F(LiveUpdateTest, AValuePutWithATtlOfItsOwnKeepsIt) {
  users_.put("own", "x", {.ttl = 1h}).value();
  users_.put("other", "x").value();
  options_.ttl = 0ms;
  EXPECT_EQ(change().dropped, 1u);
  EXPECT_GT(users_.peek("own").value().entry.ttl, 1min);
  EXPECT_FALSE(users_.peek("other"));
}

TEST_F(LiveUpdateTest, ALoadUnderWayIsKeptForTheNewTtl) {
  source_->close_gate();
  auto waiting = get_later("1");
  source_->wait_until_running(1);
  options_.ttl = 1min;
  change();
  source_->open_gate();
  EXPECT_EQ(waiting.get(), "value of 1");
  EXPECT_LE(ttl_of("1"), 1min + coarse);
  EXPECT_EQ(source_->loads("1"), 1);
}

TEST_F(LiveUpdateTest, LessMemoryEvictsDownToItTheColdestFirst) {
  source_->answer_with(std::string(1000, 'x'));
  constexpr int count = 2000;
  for (int i = 0; i != count; ++i) get(std::to_string(i));
  const auto before = users_.stats();
  ASSERT_EQ(before.entries, std::size_t{count});
  options_.max_memory = before.bytes / 2;
  const auto done = change();
  const auto after = users_.stats();
  EXPECT_LE(after.bytes, options_.max_memory);
  EXPECT_EQ(done.dropped, before.entries - after.entries);
  EXPECT_GT(after.entries, std::size_t{count} * 45 / 100);
  int hot = 0;
  for (int i = count * 3 / 4; i != count; ++i) hot += users_.peek(std::to_string(i)) ? 1 : 0;
  EXPECT_GT(hot, count / 5);  // shard by shard, so not to the last one
}

TEST_F(LiveUpdateTest, AWiderLimitLetsInThoseWhoWait) {
  options_.loads.concurrent = 1;
  change();
  source_->close_gate();
  auto first = get_later("1");
  auto second = get_later("2");
  source_->wait_until_running(1);
  wait_until_missed(2);
  options_.loads.concurrent = 2;
  change();
  source_->wait_until_running(2);
  source_->open_gate();
  EXPECT_EQ(first.get(), "value of 1");
  EXPECT_EQ(second.get(), "value of 2");
}

TEST_F(LiveUpdateTest, WritesAreDeniedAtOnce) {
  users_.put("1", "x").value();
  options_.writes = writes::deny;
  change();
  EXPECT_EQ(users_.put("1", "y").error(), errc::method_not_allowed);
  EXPECT_EQ(get("1"), "x");
}

TEST_F(LiveUpdateTest, AnotherConsistencyStartsEmptyAndSaysSo) {
  get("1");
  get("2");
  options_.consistency = consistency::available;
  const auto done = change();
  EXPECT_TRUE(done.is_replaced);
  EXPECT_EQ(done.dropped, 2u);
  EXPECT_EQ(get("1"), "value of 1");
  EXPECT_EQ(source_->loads("1"), 2);
}

TEST_F(LiveUpdateTest, ReadsUnderWayEndWithTheValueOfTheOldSourceAndKeepItNowhere) {
  get("kept");
  source_->close_gate();
  auto waiting = get_later("1");
  source_->wait_until_running(1);
  const auto other = take_over();
  EXPECT_TRUE(last_.is_replaced);
  EXPECT_EQ(last_.dropped, 1u);
  EXPECT_EQ(get("1"), "new");  // the old handle goes on
  source_->open_gate();
  EXPECT_EQ(waiting.get(), "value of 1");
  EXPECT_EQ(get("1"), "new");
  EXPECT_EQ(other->loads("1"), 1);
  EXPECT_EQ(last_.keyspace.stats().entries, 1u);
}

TEST_F(LiveUpdateTest, EveryCallOfAnOldHandleReachesTheNewSource) {
  take_over();
  EXPECT_EQ(users_.get_many({"1"}).at(0)->entry.text(), "new");
  EXPECT_TRUE(users_.peek("1"));
  users_.put("1", "put").value();
  EXPECT_EQ(last_.keyspace.get("1").value().text(), "put");
  users_.invalidate("1").value();
  EXPECT_FALSE(last_.keyspace.peek("1"));
  EXPECT_EQ(last_.keyspace.observe("1").value(), users_.observe("1").value());
  EXPECT_TRUE(users_.put_many({{"2", "x"}}).at(0));
  EXPECT_EQ(last_.keyspace.get("2").value().text(), "x");
  users_.clear().value();
  EXPECT_FALSE(last_.keyspace.peek("2"));
}

TEST_F(LiveUpdateTest, VersionsOfTheOldSourceAreConflicts) {
  const auto before = users_.get("1").value().version;
  take_over();
  const auto how = precondition::if_unchanged(before);
  EXPECT_EQ(users_.put("1", "x", {.condition = how}).error(), errc::conflict);
}

TEST_F(LiveUpdateTest, RemovalEndsReadsOfAReplacedSourceToo) {
  source_->close_gate();
  auto waiting = get_later("1");
  source_->wait_until_running(1);
  take_over();
  cache_.remove_keyspace("users").value();
  EXPECT_EQ(waiting.get(), "unavailable");
  EXPECT_EQ(get("1"), "no_keyspace");
}

TEST_F(LiveUpdateTest, AHandleDoesNotComeBackToLifeWithTheName) {
  take_over();
  cache_.remove_keyspace("users").value();
  cache_.add_keyspace(options_, std::shared_ptr<data_source>(source_));
  EXPECT_EQ(get("1"), "no_keyspace");
}

TEST_F(LiveUpdateTest, TheEndOfTheCacheEndsReadsOfAReplacedSource) {
  auto source = std::make_shared<scripted_source>();
  std::optional<cache> other(cache_options{.runtime = {.threads = 1}});
  auto things = other->add_keyspace({.name = "things"}, std::shared_ptr<data_source>(source));
  source->close_gate();
  auto waiting = std::async(std::launch::async, [&] { return things.get("1").error(); });
  source->wait_until_running(1);
  other->update_keyspace({.name = "things"}, std::shared_ptr<data_source>(source_));
  auto ended = std::async(std::launch::async, [&] { other.reset(); });
  EXPECT_EQ(waiting.get(), errc::unavailable);
  source->open_gate();
  ended.get();
}

TEST_F(LiveUpdateTest, OptionsAloneNeedAKeyspaceThatIsThere) {
  options_.name = "nobody";
  EXPECT_THROW(change(), std::invalid_argument);
  EXPECT_FALSE(cache_.find_keyspace("nobody"));
}

}  // namespace
}  // namespace weir::test
