#include "tests/engine/keyspace/cache_fixture.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <optional>
#include <set>

namespace weir::test {
namespace {

TEST_F(CacheTest, LoadsAMissOnceAndServesItFromMemory) {
  EXPECT_EQ(get("1"), "value of 1");
  EXPECT_EQ(get("1"), "value of 1");
  EXPECT_EQ(source_->loads("1"), 1);
  EXPECT_EQ(users_.stats().hits, 1u);
}

TEST_F(CacheTest, TellsWhereAnEntryCameFrom) {
  const auto loaded = users_.get("1").value();
  const auto hit = users_.get("1").value();
  EXPECT_EQ(loaded.from.from, served_from::load);
  EXPECT_TRUE(loaded.from.stored);
  EXPECT_EQ(hit.from.from, served_from::store);
  EXPECT_EQ(hit.version, loaded.version);
  EXPECT_TRUE(hit.version);
}

TEST_F(CacheTest, SharesOneLoadAmongConcurrentCallers) {
  source_->close_gate();
  std::vector<std::future<std::string>> callers;
  for (int i = 0; i != 20; ++i) callers.push_back(get_later("1"));
  wait_until_missed(20);
  source_->open_gate();
  for (auto& each : callers) EXPECT_EQ(each.get(), "value of 1");
  EXPECT_EQ(source_->loads("1"), 1);
  EXPECT_EQ(users_.stats().joined, 19u);
}

TEST_F(CacheTest, LoadsOtherKeysWhileOneHangs) {
  source_->close_gate("slow");
  auto slow = get_later("slow");
  source_->wait_until_running(1);
  EXPECT_EQ(get("quick"), "value of quick");
  EXPECT_EQ(slow.wait_for(0s), std::future_status::timeout);
  source_->open_gate();
  EXPECT_EQ(slow.get(), "value of slow");
}

TEST_F(CacheTest, GivesEachWaiterItsOwnDeadline) {
  source_->close_gate();
  auto patient = get_later("1");
  source_->wait_until_running(1);
  EXPECT_EQ(get("1", {.timeout = 20ms}), "deadline_exceeded");
  source_->open_gate();
  EXPECT_EQ(patient.get(), "value of 1");
  EXPECT_EQ(source_->loads("1"), 1);
}

TEST_F(CacheTest, TheLeadersEndDoesNotHurtThoseWhoJoined) {
  source_->close_gate();
  auto leader = get_later("1", {.timeout = 30ms});
  source_->wait_until_running(1);
  auto joined = get_later("1");
  EXPECT_EQ(leader.get(), "deadline_exceeded");
  source_->open_gate();
  EXPECT_EQ(joined.get(), "value of 1");
}

TEST_F(CacheTest, NeverCachesAnError) {
  source_->answer_with([](std::string_view) -> result<loaded> { return errc::source_failed; });
  EXPECT_EQ(get("1"), "source_failed");
  source_->answer_with("well again");
  EXPECT_EQ(get("1"), "well again");
}

TEST_F(CacheTest, TurnsAnyExceptionOfASourceIntoOneErrorPerWaiter) {
  source_->answer_with([](std::string_view) -> result<loaded> { throw 42; });
  EXPECT_EQ(get("1"), "source_failed");
  source_->answer_with([](std::string_view) -> result<loaded> { throw std::runtime_error("x"); });
  EXPECT_EQ(get("1"), "source_failed");
  source_->answer_with("well again");
  EXPECT_EQ(get("1"), "well again");
}

TEST_F(CacheTest, AHangingSourceEndsAtItsTimeOutAndTheKeyIsUsableAgain) {
  use({.name = "users", .loads = {.concurrent = 2, .timeout = 30ms}});
  source_->close_gate();
  EXPECT_EQ(get("1"), "deadline_exceeded");
  source_->open_gate();
  EXPECT_EQ(get("1"), "value of 1");
}

TEST_F(CacheTest, FailsFastWhenOnlyHangingLoadsAreLeft) {
  use({.name = "users", .loads = {.concurrent = 2, .queue = 5, .timeout = 30ms}});
  source_->close_gate();
  auto first = get_later("1");
  auto second = get_later("2");
  EXPECT_EQ(first.get(), "deadline_exceeded");
  EXPECT_EQ(second.get(), "deadline_exceeded");
  EXPECT_EQ(get("3"), "overloaded");
  EXPECT_EQ(users_.stats().loads_running, 2u);
}

TEST_F(CacheTest, RefusesLoadsBeyondTheQueue) {
  use({.name = "users", .loads = {.concurrent = 1, .queue = 1}});
  source_->close_gate();
  auto running = get_later("1");
  source_->wait_until_running(1);
  // Which of the two comes first is up to the threads.
  auto second = get_later("2");
  auto third = get_later("3");
  wait_until_refused(1);
  source_->open_gate();
  EXPECT_EQ(running.get(), "value of 1");
  const std::set<std::string> ends{second.get(), third.get()};
  const std::set<std::string> one_way{"value of 2", "overloaded"};
  const std::set<std::string> other_way{"value of 3", "overloaded"};
  EXPECT_TRUE(ends == one_way || ends == other_way) << *ends.begin() << ", " << *ends.rbegin();
}

TEST_F(CacheTest, RefusesAValueOverTheLimitAndKeepsTheRest) {
  use({.name = "users", .max_entry = 100});
  EXPECT_EQ(get("small"), "value of small");
  source_->answer_with(std::string(101, 'x'));
  EXPECT_EQ(get("large"), "too_large");
  EXPECT_EQ(get("small"), "value of small");
  EXPECT_EQ(source_->loads("small"), 1);
}

TEST_F(CacheTest, ChecksKeys) {
  use({.name = "users", .max_key = 8});
  EXPECT_EQ(get(""), "bad_key");
  EXPECT_EQ(get("12345678"), "value of 12345678");
  EXPECT_EQ(get("123456789"), "too_large");
  const std::string odd("\0\r\n/", 4);
  EXPECT_EQ(get(odd), "value of " + odd);
}

TEST_F(CacheTest, KeepsAbsenceForTheNegativeTtlOnly) {
  source_->answer_with([](std::string_view) { return loaded{.found = false}; });
  EXPECT_EQ(get("1"), "not_found");
  EXPECT_EQ(get("1"), "not_found");
  EXPECT_EQ(source_->loads("1"), 1);
  use({.name = "users", .negative_ttl = 0ms});
  EXPECT_EQ(get("2"), "not_found");
  EXPECT_EQ(get("2"), "not_found");
  EXPECT_EQ(source_->loads("2"), 2);
}

TEST_F(CacheTest, TheSourcesTtlCanOnlyShorten) {
  source_->answer_with([](std::string_view) { return loaded{.value = "x", .ttl = 24h}; });
  EXPECT_LE(users_.get("1")->ttl, 5min);
  source_->answer_with([](std::string_view) { return loaded{.value = "x", .ttl = 0ms}; });
  EXPECT_FALSE(users_.get("2")->from.stored);
  EXPECT_EQ(get("2"), "x");
  EXPECT_EQ(source_->loads("2"), 2);
}

TEST_F(CacheTest, InvalidationMakesTheNextGetLoadAgain) {
  source_->answer_with("old");
  get("1");
  source_->answer_with("new");
  EXPECT_FALSE(users_.invalidate("1")->is_partial());
  EXPECT_EQ(get("1"), "new");
}

TEST_F(CacheTest, ALoadThatAnInvalidationOvertookAnswersItsWaitersAndIsNotKept) {
  source_->close_gate();
  source_->answer_with("old");
  auto early = get_later("1");
  source_->wait_until_running(1);
  users_.invalidate("1").value();
  source_->let_one_pass();
  EXPECT_EQ(early.get(), "old");
  source_->answer_with("new");
  source_->open_gate();
  EXPECT_EQ(get("1"), "new");
}

TEST_F(CacheTest, NobodyJoinsAFlightThatWasOvertaken) {
  source_->close_gate();
  auto early = get_later("1");
  source_->wait_until_running(1);
  users_.invalidate("1").value();
  auto late = get_later("1");
  source_->wait_until_running(2);
  source_->open_gate();
  early.get();
  late.get();
  EXPECT_EQ(source_->loads("1"), 2);
}

TEST_F(CacheTest, AStormOfInvalidationsNeverRunsThreeLoadsAtOnce) {
  source_->close_gate();
  std::vector<std::future<std::string>> callers;
  for (int i = 0; i != 6; ++i) {
    callers.push_back(get_later("1"));
    wait_until_missed(static_cast<std::uint64_t>(i) + 1);
    if (i < 2) source_->wait_until_running(i + 1);
    users_.invalidate("1").value();
  }
  source_->wait_until_running(2);
  source_->open_gate();
  for (auto& each : callers) EXPECT_EQ(each.get(), "value of 1");
  EXPECT_LE(source_->loads("1"), 3);
  EXPECT_EQ(source_->most_running(), 2);
}

TEST_F(CacheTest, ClearDropsEverythingAtOnce) {
  get("1");
  get("2");
  users_.clear().value();
  EXPECT_FALSE(users_.peek("1"));
  get("1");
  EXPECT_EQ(source_->loads("1"), 2);
}

TEST_F(CacheTest, AFreshGetLoadsAgain) {
  get("1");
  source_->answer_with("new");
  EXPECT_EQ(get("1", {.from = read_from::source}), "new");
  EXPECT_EQ(get("1"), "new");
}

TEST_F(CacheTest, PeekNeverLoads) {
  EXPECT_FALSE(users_.peek("1"));
  get("1");
  EXPECT_EQ(users_.peek("1")->entry.text(), "value of 1");
  EXPECT_EQ(source_->loads("1"), 1);
}

TEST_F(CacheTest, PutLastsAndRemoveMakesAbsent) {
  users_.put("1", "put").value();
  EXPECT_EQ(get("1"), "put");
  users_.remove("1").value();
  EXPECT_EQ(get("1"), "not_found");
  EXPECT_EQ(source_->loads("1"), 0);
}

TEST_F(CacheTest, WritesNeedToBeAllowed) {
  use({.name = "users"});
  EXPECT_EQ(users_.put("1", "x").error(), errc::method_not_allowed);
  EXPECT_EQ(users_.remove("1").error(), errc::method_not_allowed);
  EXPECT_TRUE(users_.invalidate("1"));
}

TEST_F(CacheTest, RefusesATtlOutOfRange) {
  EXPECT_EQ(users_.put("1", "x", {.ttl = -1ms}).error(), errc::bad_request);
  EXPECT_EQ(users_.put("1", "x", {.ttl = 24h * 31}).error(), errc::bad_request);
}

TEST_F(CacheTest, HandlesSurviveTheRemovalOfTheirKeyspace) {
  cache_.remove_keyspace("users").value();
  EXPECT_EQ(get("1"), "no_keyspace");
  EXPECT_EQ(users_.invalidate("1").error(), errc::no_keyspace);
  EXPECT_EQ(cache_.remove_keyspace("users").error(), errc::no_keyspace);
}

TEST_F(CacheTest, RemovalGivesTheMemoryBackThoughHandlesLive) {
  get("1");
  cache_.remove_keyspace("users").value();
  EXPECT_EQ(users_.stats().entries, 0u);
  EXPECT_EQ(users_.stats().bytes, 0u);
}

TEST_F(CacheTest, RemovalEndsThoseWhoWait) {
  source_->close_gate();
  auto waiting = get_later("1");
  source_->wait_until_running(1);
  cache_.remove_keyspace("users").value();
  EXPECT_EQ(waiting.get(), "unavailable");
  EXPECT_EQ(get("1"), "no_keyspace");
}

TEST_F(CacheTest, RefusesBadOptionsByName) {
  EXPECT_THROW(cache_.add_keyspace({.name = "Users"}, source_), std::invalid_argument);
  EXPECT_THROW(cache_.add_keyspace({.name = "users"}, source_), std::invalid_argument);
  EXPECT_THROW(cache_.add_keyspace({.name = "x", .jitter = 2}, source_), std::invalid_argument);
}

TEST_F(CacheTest, GetManyAnswersEachKeyInOrderAndLoadsDoublesOnce) {
  source_->answer_with([](std::string_view key) -> result<loaded> {
    if (key == "bad") return errc::source_failed;
    if (key == "none") return loaded{.found = false};
    return loaded{.value = std::string(key)};
  });
  const auto found = users_.get_many({"a", "bad", "none", "a", ""});
  ASSERT_EQ(found.size(), 5u);
  EXPECT_EQ(found[0]->entry.text(), "a");
  EXPECT_EQ(found[1].error(), errc::source_failed);
  EXPECT_FALSE(found[2]->found);
  EXPECT_EQ(found[3]->entry.version, found[0]->entry.version);
  EXPECT_EQ(found[4].error(), errc::bad_key);
  EXPECT_EQ(source_->loads("a"), 1);
}

TEST_F(CacheTest, GetManyOfNothingIsEmptyAndTooManyIsRefused) {
  EXPECT_TRUE(users_.get_many({}).empty());
  const auto found = users_.get_many(std::vector<std::string>(1001, "a"));
  EXPECT_EQ(found.at(1000).error(), errc::too_large);
}

TEST_F(CacheTest, AbsentKeysDoNotDriveValuesOut) {
  constexpr std::uint64_t limit = 3u << 20;  // two thirds for the values
  auto files = cache_.add_keyspace(
      {.name = "files", .negative_ttl = 1h, .max_memory = limit},
      [](std::string_view key) -> std::optional<std::string> {
        if (key.starts_with("none")) return std::nullopt;
        return std::string(10'000, 'f');
      }
  );
  for (int i = 0; i != 200; ++i) ASSERT_TRUE(files.get("file" + std::to_string(i)));
  for (int batch = 0; batch != 50; ++batch) {
    std::vector<std::string> keys;
    for (int i = 0; i != 200; ++i) keys.push_back("none" + std::to_string(batch * 200 + i));
    for (const auto& each : files.get_many(keys)) ASSERT_TRUE(each);
  }
  int hits = 0;
  for (int i = 0; i != 200; ++i) hits += files.peek("file" + std::to_string(i)) ? 1 : 0;
  EXPECT_EQ(hits, 200);
  EXPECT_LE(files.stats().absent_bytes, limit / 10);
  EXPECT_GT(files.stats().absent_bytes, 0u);
}

TEST_F(CacheTest, ANullSourceIsRefusedWithTheNameOfItsKeyspace) {
  struct never : blocking_source {
    result<loaded> load(std::string_view, const load_context&) override { return errc::not_found; }
  };

  using function = result<bytes> (*)(std::string_view);
  const auto said_of = [&](auto&& source) -> std::string {
    try {
      cache_.add_keyspace({.name = "none"}, std::forward<decltype(source)>(source));
    } catch (const std::invalid_argument& refused) {
      return refused.what();
    }
    return "accepted";
  };
  const std::string wanted = "keyspace \"none\": the source is null; pass a function or an object";
  EXPECT_EQ(said_of(std::shared_ptr<never>()), wanted);
  EXPECT_EQ(said_of(std::unique_ptr<never>()), wanted);
  EXPECT_EQ(said_of(nullptr), wanted);
  EXPECT_EQ(said_of(function{}), wanted);
  EXPECT_EQ(said_of(std::function<result<bytes>(std::string_view)>()), wanted);
  EXPECT_FALSE(cache_.find_keyspace("none"));
  EXPECT_THROW(
      cache_.update_keyspace({.name = "users"}, std::shared_ptr<never>()), std::invalid_argument
  );
  EXPECT_TRUE(users_.get("1"));  // as it was
}

TEST_F(CacheTest, ABlockingCallOnAnEventLoopThrows) {
  boost::asio::io_context loop;
  std::promise<bool> threw;
  auto on_loop = make_source([&](std::string) -> boost::asio::awaitable<result<bytes>> {
    try {
      static_cast<void>(users_.get("1"));
      threw.set_value(false);
    } catch (const std::logic_error&) {
      threw.set_value(true);
    }
    co_return bytes("x");
  });
  auto asking = cache_.add_keyspace({.name = "asking"}, on_loop);
  EXPECT_TRUE(asking.get("1"));
  EXPECT_TRUE(threw.get_future().get());
}

TEST_F(CacheTest, SourcesMayAskOtherKeyspacesWithoutEndingThePool) {
  weir::cache small({.runtime = {.threads = 1, .worker_threads = 1}});
  auto inner = small.add_keyspace({.name = "inner"}, [](std::string_view key) -> result<bytes> {
    return bytes("inner " + std::string(key));
  });
  auto outer = small.add_keyspace({.name = "outer"}, [&](std::string_view key) -> result<bytes> {
    return inner.get(key).value().value;
  });
  EXPECT_EQ(outer.get("1")->text(), "inner 1");
}

TEST_F(CacheTest, CoroutinesGetToo) {
  boost::asio::io_context loop;  // outlives the threads that post to it
  weir::cache other({.runtime = {.threads = 1}});
  auto users = other.add_keyspace({.name = "users"}, [](std::string_view key) -> result<bytes> {
    return bytes("value of " + std::string(key));
  });
  auto answer = boost::asio::co_spawn(loop, users.async_get("1"), boost::asio::use_future);
  auto work = boost::asio::make_work_guard(loop);
  std::thread runner([&] { loop.run(); });
  EXPECT_EQ(answer.get()->text(), "value of 1");
  work.reset();
  runner.join();
}

TEST_F(CacheTest, ExplainsAGetStepByStep) {
  explanation why;
  get("1", {.explain = &why});
  std::vector<std::string> steps;
  for (const auto& each : why.steps) steps.push_back(each.step);
  const std::vector<std::string> expected{
      "asked", "slot", "lease", "near", "flight", "source", "kept", "answer"};
  EXPECT_EQ(steps, expected);
}

TEST_F(CacheTest, StaysWithinItsMemoryAndServesWhatItKept) {
  use({.name = "users", .max_memory = 256 << 10});
  source_->answer_with(std::string(1000, 'x'));
  for (int i = 0; i != 2000; ++i) get(std::to_string(i));
  const auto stats = users_.stats();
  EXPECT_LE(stats.bytes, 256u << 10);
  EXPECT_GT(stats.entries, 100u);
  EXPECT_GT(stats.evicted, 1000u);
  EXPECT_TRUE(users_.peek("1999"));
}

}  // namespace
}  // namespace weir::test
