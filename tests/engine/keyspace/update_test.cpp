// update() and batches of writes in front of a source that is no store; over stores see the store
// contract.

#include "engine/keyspace/update_run.hpp"
#include "tests/engine/keyspace/cache_fixture.hpp"

#include <gmock/gmock.h>

namespace weir::test {
namespace {

result<update_decision> plus_one(const entry* present) {
  return update_decision(std::to_string(present == nullptr ? 1 : std::stoi(present->text()) + 1));
}

class UpdateTest : public CacheTest {
 protected:
  void SetUp() override {
    CacheTest::SetUp();
    source_->answer_with([](std::string_view) { return loaded{.found = false}; });
  }
};

TEST_F(UpdateTest, CountsInTheCacheAlone) {
  for (int i = 0; i != 10; ++i) {
    const auto done = users_.update("n", plus_one);
    ASSERT_TRUE(done) << done.error().message();
    EXPECT_FALSE(done->change.is_stored);
    EXPECT_EQ(done->tries.attempts, 1u);
  }
  EXPECT_EQ(get("n"), "10");
}

TEST_F(UpdateTest, MayRemoveTheEntry) {
  ASSERT_TRUE(users_.put("a", "x"));
  const auto gone = [](const entry*) -> result<update_decision> {
    return update_decision(remove_entry{});
  };
  const auto done = users_.update("a", gone);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->what, update_decision::kind::remove);
  EXPECT_EQ(get("a"), "not_found");
  EXPECT_EQ(users_.update("a", gone)->what, update_decision::kind::decline);
}

TEST_F(UpdateTest, AConflictReadsAgain) {
  ASSERT_TRUE(users_.put("a", "x"));
  bool is_first = true;
  const auto disturbed = [&](const entry* present) -> result<update_decision> {
    if (std::exchange(is_first, false)) {
      EXPECT_TRUE(users_.put("a", "theirs"));
    }
    return update_decision(present->text() + "+mine");
  };
  const auto done = users_.update("a", disturbed);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->tries.conflicts, 1u);
  EXPECT_EQ(get("a"), "theirs+mine");
}

TEST_F(UpdateTest, NeedsWritesAllowed) {
  use({.name = "users"});
  EXPECT_EQ(users_.update("a", plus_one).error(), errc::method_not_allowed);
  EXPECT_EQ(users_.put_many({{"a", "1"}})[0].error(), errc::method_not_allowed);
  EXPECT_EQ(keyspace().update("a", plus_one).error(), errc::no_keyspace);
}

TEST_F(UpdateTest, AnExceptionOfTheFunctionIsTheCallers) {
  const auto throws = [](const entry*) -> result<update_decision> {
    throw std::domain_error("mine");
  };
  EXPECT_THROW(static_cast<void>(users_.update("a", throws)), std::domain_error);
  EXPECT_TRUE(users_.update("a", plus_one));  // the key is free again
  EXPECT_THROW(static_cast<void>(users_.update("a", nullptr)), std::invalid_argument);
}

TEST_F(UpdateTest, PutManyAnswersEachItemInOrder) {
  std::vector<put_item> items;
  for (int i = 0; i != 100; ++i) items.push_back({"k" + std::to_string(i), std::to_string(i)});
  items.push_back({"k7", "again"});
  items.push_back({"", "no key"});
  items.push_back({"late", "x", {.ttl = milliseconds(-1)}});
  items.push_back({"there", "x", {.condition = precondition::if_unchanged({1, 1})}});
  const auto done = users_.put_many(std::move(items));
  ASSERT_EQ(done.size(), 104u);
  for (int i = 0; i != 100; ++i) EXPECT_TRUE(done[static_cast<std::size_t>(i)]);
  EXPECT_EQ(done[100].error(), errc::bad_request);
  EXPECT_EQ(done[101].error(), errc::bad_key);
  EXPECT_EQ(done[102].error(), errc::bad_request);
  EXPECT_EQ(done[103].error(), errc::conflict);
  EXPECT_EQ(get("k7"), "7");
  EXPECT_EQ(get("k99"), "99");
}

TEST_F(UpdateTest, RemoveManyToo) {
  ASSERT_TRUE(users_.put("a", "1"));
  const auto done = users_.remove_many({"a", "b", "a"});
  EXPECT_TRUE(done[0]);
  EXPECT_TRUE(done[1]);
  EXPECT_EQ(done[2].error(), errc::bad_request);
  EXPECT_EQ(get("a"), "not_found");
  EXPECT_TRUE(users_.put_many({}).empty());
  EXPECT_EQ(users_.remove_many(std::vector<std::string>(1001, "x"))[5].error(), errc::too_large);
}

/// A clock that stands still and random numbers of the test's choice.
class frozen_environment final : public environment {
 public:
  time_point at{};
  std::uint64_t next_random = 0;

  time_point now() const noexcept override { return at; }

  time_point coarse_now() const noexcept override { return at; }

  std::uint64_t random() noexcept override { return next_random; }

  std::uint64_t hash_seed() const noexcept override { return 0; }

  asio::any_io_executor executor() noexcept override { return {}; }

  bool on_event_loop() const noexcept override { return false; }

  timer_id schedule(time_point, completion<>) override { return 0; }

  void cancel(timer_id) noexcept override {}

  error_code run_blocking(completion<>) override { return errc::overloaded; }

  void begin_wait() noexcept override {}

  void end_wait() noexcept override {}
};

struct UpdateRunTest : testing::Test {
  frozen_environment env;

  update_run run(update_options options = {}) {
    return {env, "users", "a", plus_one, options, update_run::absence::by_version};
  }

  static result<lookup> present() {
    lookup found;
    found.found = true;
    found.entry.value = "1";
    found.entry.version = {7, 3};
    return found;
  }
};

TEST_F(UpdateRunTest, W20_delays_grow_are_jittered_and_end_at_the_deadline) {
  auto one = run({.timeout = 1000ms});
  std::vector<milliseconds> delays;
  for (env.next_random = 0; !one.has_ended();) {
    one.found(present());
    ASSERT_EQ(one.take().condition.since, (version{7, 3}));
    one.changed(errc::conflict);
    if (one.has_ended()) break;
    delays.push_back(std::chrono::duration_cast<milliseconds>((one.retry_at() - env.at) * 2));
    env.at = one.retry_at();
  }
  ASSERT_GE(delays.size(), 9u);
  delays.resize(9);
  EXPECT_THAT(delays, testing::ElementsAre(1ms, 2ms, 4ms, 8ms, 16ms, 32ms, 64ms, 128ms, 128ms));
  EXPECT_EQ(one.outcome().error(), errc::deadline_exceeded);
  EXPECT_LE(env.at, time_point{} + 1000ms);

  auto other = run();
  env.next_random = ~std::uint64_t{0} / 3;
  other.found(present());
  other.changed(errc::conflict);
  EXPECT_GT(other.retry_at() - env.at, 500us);
  EXPECT_LE(other.retry_at() - env.at, 1ms);
}

TEST_F(UpdateRunTest, AnyCopyWillDoOnceAndThenTheOwnerIsAsked) {
  auto one = run();
  EXPECT_EQ(one.how_to_read().from, read_from::near);
  one.found(present());
  one.changed(errc::conflict);
  EXPECT_EQ(one.how_to_read().from, read_from::owner);
}

TEST_F(UpdateRunTest, AValueWithoutVersionIsNoGround) {
  auto passed_through = present();
  passed_through->entry.version = {};
  update_tries tries;
  auto one = run({.tries = &tries});
  one.found(passed_through);
  EXPECT_FALSE(one.has_change());
  EXPECT_FALSE(one.has_ended());
  one.found(present());
  one.changed(errc::unknown_outcome);
  EXPECT_EQ(one.outcome().error(), errc::unknown_outcome);  // it may have happened: never twice
  EXPECT_EQ(tries.busy, 1u);
  EXPECT_EQ(tries.attempts, 1u);
}

}  // namespace
}  // namespace weir::test
