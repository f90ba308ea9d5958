// The conformance cases W1-W25 of a writable store, over every store that weir has.
//
// Left out: W14 (an unchanged document is not sent again: between nodes and clients this is
// If-None-Match and `held`, tested there; no store of ours is asked conditionally, as a look-up
// costs it as much) and W22 (undecodable documents: values are bytes here, codecs come with the
// typed view).

#include "engine/async/key_turns.hpp"
#include "engine/keyspace/doubtful_keys.hpp"
#include "tests/keyspaces/store_backend.hpp"
#include "tests/keyspaces/watched_store.hpp"
#ifdef WEIR_TEST_POSTGRES
#include "tests/keyspaces/postgres/postgres_backend.hpp"
#endif
#ifdef WEIR_TEST_REDIS
#include "tests/keyspaces/redis/redis_backend.hpp"
#endif

#include <weir/engine/cache.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <latch>
#include <thread>

namespace weir::test {
namespace {

using namespace std::chrono_literals;

struct backend_kind {
  const char* name;
  std::function<std::unique_ptr<store_backend>()> make;
};

void PrintTo(const backend_kind& kind, std::ostream* to) {
  *to << kind.name;
}

/// One process: a cache of its own in front of the backend.
struct process {
  explicit process(std::shared_ptr<store> over, load_limits loads = {})
      : watched(std::make_shared<watched_store>(std::move(over))),
        docs(cache.add_keyspace(
            {.name = "docs", .jitter = 0, .loads = loads, .writes = writes::allow},
            std::shared_ptr<data_source>(watched)
        )) {}

  ~process() { watched->release(); }

  std::string get(const std::string& key) {
    const auto found = docs.get(key);
    return found ? found->text() : std::string(name(found.error()));
  }

  std::shared_ptr<watched_store> watched;
  weir::cache cache{cache_options{.runtime = {.threads = 1}}};
  keyspace docs;
};

class StoreContractTest : public testing::TestWithParam<backend_kind> {
 protected:
  const std::unique_ptr<store_backend> backend = GetParam().make();
  process first{backend->open()};

  keyspace& docs() { return first.docs; }

  watched_store& watched() { return *first.watched; }
};

result<update_decision> plus_one(const entry* present) {
  return update_decision(std::to_string(present == nullptr ? 1 : std::stoi(present->text()) + 1));
}

update_function append(std::string what) {
  return [what](const entry* present) -> result<update_decision> {
    return update_decision((present == nullptr ? "" : present->text()) + what);
  };
}

TEST_P(StoreContractTest, W1_absent_key_is_not_found_without_error) {
  const auto found = docs().find("a");
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->found);
  EXPECT_EQ(first.get("a"), "not_found");
}

TEST_P(StoreContractTest, W2_update_creates_from_the_initial_value) {
  const auto done = docs().update("a", plus_one);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->what, update_decision::kind::put);
  EXPECT_TRUE(done->change.is_stored);
  EXPECT_TRUE(done->version);
  EXPECT_EQ(backend->read("a"), "1");
}

TEST_P(StoreContractTest, W3_update_without_create_is_not_found) {
  int calls = 0;
  const auto counted = [&](const entry*) -> result<update_decision> {
    ++calls;
    return update_decision("x");
  };
  const auto done = docs().update("a", counted, {.create = false});
  EXPECT_EQ(done.error(), errc::not_found);
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(backend->read("a"), "-");
}

TEST_P(StoreContractTest, W4_no_change_writes_nothing) {
  backend->write("a", "now");
  std::string seen;
  const auto look = [&](const entry* present) -> result<update_decision> {
    seen = present->text();
    return update_decision(std::nullopt);
  };
  const auto done = docs().update("a", look);
  ASSERT_TRUE(done);
  EXPECT_EQ(seen, "now");
  EXPECT_EQ(done->what, update_decision::kind::decline);
  EXPECT_EQ(watched().writes(), 0);
}

TEST_P(StoreContractTest, W5_a_second_process_reads_what_the_first_persisted) {
  ASSERT_TRUE(docs().put("a", "kept"));
  process second(backend->open());
  EXPECT_EQ(second.get("a"), "kept");
}

TEST_P(StoreContractTest, W6_concurrent_updates_of_one_key_are_all_in_the_result) {
  std::vector<std::future<result<updated>>> running;
  for (int i = 0; i != 20; ++i) {
    running.push_back(std::async(std::launch::async, [&] { return docs().update("a", plus_one); }));
  }
  for (auto& each : running) EXPECT_TRUE(each.get());
  EXPECT_EQ(backend->read("a"), "20");
  EXPECT_EQ(watched().writes(), 20);  // one at a time: no conflicts among themselves
}

TEST_P(StoreContractTest, W7_a_slow_update_does_not_delay_other_keys) {
  std::latch inside(1), go_on(1);
  const auto slow = [&](const entry*) -> result<update_decision> {
    inside.count_down();
    go_on.wait();
    return update_decision("late");
  };
  auto held = std::async(std::launch::async, [&] { return docs().update("slow", slow); });
  inside.wait();
  for (const auto* key : {"b", "c", "d"}) EXPECT_TRUE(docs().update(key, plus_one));
  EXPECT_EQ(backend->read("slow"), "-");
  go_on.count_down();
  EXPECT_TRUE(held.get());
  EXPECT_EQ(backend->read("slow"), "late");
  EXPECT_EQ(backend->read("d"), "1");
}

TEST_P(StoreContractTest, W8_conflict_reads_again) {
  ASSERT_TRUE(docs().put("a", "x"));
  backend->write("a", "x+theirs");
  const auto done = docs().update("a", append("+ours"));
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->tries.attempts, 2u);
  EXPECT_EQ(done->tries.conflicts, 1u);
  EXPECT_EQ(backend->read("a"), "x+theirs+ours");
  EXPECT_EQ(first.get("a"), "x+theirs+ours");
}

TEST_P(StoreContractTest, W9_exactly_so_many_attempts) {
  backend->write("a", "x");
  int rivals = 0;
  watched().before_write([&](const std::string& key) {
    backend->write(key, "rival " + std::to_string(++rivals));
  });
  update_tries tries;
  const auto done = docs().update("a", append("!"), {.max_attempts = 5, .tries = &tries});
  EXPECT_EQ(done.error(), errc::conflict);
  EXPECT_EQ(tries.attempts, 5u);
  EXPECT_EQ(watched().writes(), 5);
  EXPECT_EQ(watched().loads(), 5);  // the first read and four more
}

TEST_P(StoreContractTest, W10_the_next_write_uses_the_etag_of_the_last) {
  ASSERT_TRUE(docs().update("a", plus_one));
  const auto loads = watched().loads();
  for (int i = 0; i != 5; ++i) ASSERT_TRUE(docs().update("a", plus_one));
  EXPECT_EQ(watched().loads(), loads);
  EXPECT_EQ(backend->read("a"), "6");
}

TEST_P(StoreContractTest, W11_an_error_of_the_function_is_returned_unchanged) {
  const auto mine = make_error_code(boost::system::errc::permission_denied);
  int calls = 0;
  const auto fails = [&](const entry*) -> result<update_decision> {
    ++calls;
    return mine;
  };
  EXPECT_EQ(docs().update("a", fails).error(), mine);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(watched().writes(), 0);
}

TEST_P(StoreContractTest, W12_an_outdated_version_is_refused) {
  const auto old = docs().put("a", "1");
  ASSERT_TRUE(old);
  ASSERT_TRUE(docs().put("a", "2"));
  const auto outdated = precondition::if_unchanged(old->version);
  EXPECT_EQ(docs().put("a", "3", {.condition = outdated}).error(), errc::conflict);
  EXPECT_EQ(docs().remove("a", {.condition = outdated}).error(), errc::conflict);
  EXPECT_EQ(backend->read("a"), "2");
}

TEST_P(StoreContractTest, W12_an_entry_that_is_gone_confirms_nothing) {
  const auto old = docs().put("a", "1");
  ASSERT_TRUE(docs().invalidate("a"));
  const auto outdated = precondition::if_unchanged(old->version);
  EXPECT_EQ(docs().put("a", "3", {.condition = outdated}).error(), errc::conflict);
  EXPECT_EQ(backend->read("a"), "1");
}

TEST_P(StoreContractTest, W13_periodic_touch_writes_once_per_interval) {
  int now = 0;
  const auto touch = [&](const entry* present) -> result<update_decision> {
    if (present != nullptr && now - std::stoi(present->text()) < 50)
      return update_decision(std::nullopt);
    return update_decision(std::to_string(now));
  };
  for (now = 0; now != 100; ++now) ASSERT_TRUE(docs().update("a", touch));
  EXPECT_EQ(watched().writes(), 2);
  EXPECT_EQ(backend->read("a"), "50");
}

TEST_P(StoreContractTest, W15_deleted_elsewhere_is_made_again_without_a_storm) {
  ASSERT_TRUE(docs().put("a", "x"));
  backend->erase("a");
  const auto done = docs().update("a", append("new"));
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->tries.attempts, 2u);
  EXPECT_EQ(backend->read("a"), "new");

  backend->erase("a");
  ASSERT_TRUE(docs().invalidate("a"));
  EXPECT_EQ(first.get("a"), "not_found");
}

TEST_P(StoreContractTest, W16_a_failed_write_is_never_seen) {
  ASSERT_TRUE(docs().put("a", "old"));
  for (const auto why : {errc::source_failed, errc::unknown_outcome, errc::deadline_exceeded}) {
    watched().fail_next_write(why);
    const auto done = docs().put("a", "phantom");
    EXPECT_EQ(done.error(), why == errc::source_failed ? why : errc::unknown_outcome);
    const auto loads = watched().loads();
    EXPECT_EQ(first.get("a"), "old");
    EXPECT_EQ(watched().loads(), loads + 1);
  }
}

TEST_P(StoreContractTest, W16_an_unknown_write_that_happened_is_seen) {
  ASSERT_TRUE(docs().put("a", "old"));
  watched().fail_next_write(errc::unknown_outcome, watched_store::fate::written);
  EXPECT_EQ(docs().put("a", "new").error(), errc::unknown_outcome);
  const auto loads = watched().loads();
  EXPECT_EQ(first.get("a"), "new");
  EXPECT_EQ(first.get("a"), "new");
  EXPECT_EQ(watched().loads(), loads + 2);  // in doubt for one source time-out: answered, not kept
}

TEST_P(StoreContractTest, W16_a_write_that_hangs_is_unknown_and_its_key_read_anew) {
  process slow(backend->open(), {.timeout = backend->short_time()});
  backend->write("a", "old");
  EXPECT_EQ(slow.get("a"), "old");
  slow.watched->hold_writes();
  EXPECT_EQ(slow.docs.put("a", "phantom").error(), errc::unknown_outcome);
  const auto loads = slow.watched->loads();
  EXPECT_EQ(slow.get("a"), "old");
  EXPECT_EQ(slow.watched->loads(), loads + 1);
}

TEST_P(StoreContractTest, W16_readers_see_the_old_value_until_the_store_took_the_new_one) {
  ASSERT_TRUE(docs().put("a", "old"));
  watched().hold_writes();
  auto writing = std::async(std::launch::async, [&] { return docs().put("a", "new"); });
  while (watched().writes() != 2) std::this_thread::yield();
  EXPECT_EQ(first.get("a"), "old");
  watched().release();
  EXPECT_TRUE(writing.get());
  EXPECT_EQ(first.get("a"), "new");
}

TEST_P(StoreContractTest, W17_what_a_function_does_with_its_copy_stays_its_own) {
  ASSERT_TRUE(docs().put("a", "clean"));
  const auto spoil = [](const entry* present) -> result<update_decision> {
    auto copy = *present;
    copy.value = "dirty";
    return update_decision(std::nullopt);
  };
  ASSERT_TRUE(docs().update("a", spoil));
  EXPECT_EQ(docs().peek("a")->entry.text(), "clean");
}

// Two lone nodes in front of one store stand for two owners: an entry of either is outdated by the
// other at any moment, which is more than an owner change does; an invalidation in the middle drops
// what one of them holds.
TEST_P(StoreContractTest, W18_two_processes_of_50_increments_are_100) {
  process second(backend->open());
  const auto fifty = [](process& of) {
    for (int i = 0; i != 50; ++i) {
      const auto done = of.docs.update("n", plus_one, {.timeout = 60s, .max_attempts = 10'000});
      ASSERT_TRUE(done) << done.error().message();
      if (i == 25) {
        ASSERT_TRUE(of.docs.invalidate("n"));
      }
    }
  };
  auto other = std::async(std::launch::async, [&] { fifty(second); });
  fifty(first);
  other.get();
  EXPECT_EQ(backend->read("n"), "100");
}

TEST_P(StoreContractTest, W19_of_two_who_create_one_retries_on_the_value_of_the_other) {
  process second(backend->open());
  std::latch both(2);
  const auto create = [&](const std::string& mine) -> update_function {
    return [&, mine](const entry* present) -> result<update_decision> {
      if (present != nullptr) return update_decision(present->text() + mine);
      both.arrive_and_wait();
      return update_decision(mine);
    };
  };
  auto other = std::async(std::launch::async, [&] { return second.docs.update("a", create("b")); });
  const auto done = docs().update("a", create("a"));
  const auto theirs = other.get();
  ASSERT_TRUE(done);
  ASSERT_TRUE(theirs);
  EXPECT_EQ(done->tries.conflicts + theirs->tries.conflicts, 1u);
  EXPECT_THAT((std::vector<std::string>{"ab", "ba"}), testing::Contains(backend->read("a")));
}

TEST_P(StoreContractTest, W20_retries_end_at_the_deadline_and_are_reported) {
  backend->write("a", "x");
  int rivals = 0;
  watched().before_write([&](const std::string& key) {
    backend->write(key, "rival " + std::to_string(++rivals));
  });
  update_tries tries;
  const auto done = docs().update("a", append("!"), {.timeout = 500ms, .tries = &tries});
  // The deadline comes between two attempts, or in the middle of a write.
  const bool is_cut = done.error() == errc::unknown_outcome;
  if (!is_cut) {
    EXPECT_EQ(done.error(), errc::deadline_exceeded);
  }
  EXPECT_GE(tries.attempts, 2u);
  EXPECT_EQ(tries.attempts, tries.conflicts + (is_cut ? 1 : 0));
}

TEST_P(StoreContractTest, W21_busy_is_retried_and_counted_apart) {
  watched().fail_next_load(errc::overloaded);
  watched().fail_next_load(errc::unavailable);
  watched().fail_next_write(errc::overloaded);
  const auto done = docs().update("a", plus_one, {.max_attempts = 2});
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->tries.busy, 3u);
  EXPECT_EQ(done->tries.conflicts, 0u);
  EXPECT_EQ(backend->read("a"), "1");
}

TEST_P(StoreContractTest, W23_without_etags_conditions_are_refused_not_faked) {
  process plain(backend->open_without_tags());
  EXPECT_EQ(plain.watched->tags(), entity_tags::none);
  const auto put = plain.docs.put("a", "x");
  ASSERT_TRUE(put) << put.error().message();
  EXPECT_TRUE(put->is_stored);
  EXPECT_EQ(plain.get("a"), "x");
  const auto seen = precondition::if_unchanged(put->version);
  EXPECT_EQ(plain.docs.put("a", "y", {.condition = seen}).error(), errc::method_not_allowed);
  EXPECT_EQ(
      plain.docs.put("b", "y", {.condition = precondition::if_absent()}).error(),
      errc::method_not_allowed
  );
  EXPECT_EQ(plain.docs.update("a", append("!")).error(), errc::method_not_allowed);
  EXPECT_TRUE(plain.docs.remove("a"));
  EXPECT_EQ(backend->read("a"), "-");
}

TEST_P(StoreContractTest, W24_tables_of_turns_and_doubts_stay_bounded) {
  key_turns turns;
  doubtful_keys doubts;
  runtime loop({.threads = 1});
  for (int i = 0; i != 1'000'000; ++i) {
    const auto key = std::to_string(i);
    turns.acquire(key, [](result<void>) {});
    turns.release(loop, key);
    doubts.mark(static_cast<std::uint64_t>(i), time_point::max());
  }
  EXPECT_EQ(turns.size(), 0u);
  EXPECT_EQ(doubts.size(), doubtful_keys::max_keys);
  EXPECT_TRUE(doubts.contains(5, time_point::min()));
}

TEST_P(StoreContractTest, W25_two_writes_in_one_tick_differ) {
  runtime loop({.threads = 1});
  const load_context context{loop, loop.now() + 10s};
  const auto over = backend->open();
  const auto wait = [&](auto work) {
    return asio::co_spawn(loop.executor(), std::move(work), asio::use_future).get();
  };
  const auto value = [&](const char* own) { return backend->has_content_tags() ? own : "same"; };
  const auto one = wait(over->async_put("a", value("1"), {}, context));
  const auto two = wait(over->async_put("a", value("2"), {}, context));
  ASSERT_TRUE(one && two);
  EXPECT_NE(one->etag, two->etag);
  ASSERT_TRUE(wait(over->async_erase("a", write_condition::if_matches(two->etag), context)));
  const auto three = wait(over->async_put("a", value("3"), write_condition::if_absent(), context));
  ASSERT_TRUE(three);
  EXPECT_NE(three->etag, one->etag);
  EXPECT_NE(three->etag, two->etag);
  const auto late =
      wait(over->async_put("a", "x", write_condition::if_matches(one->etag), context));
  EXPECT_EQ(late.error(), errc::conflict);
}

#if defined(WEIR_TEST_POSTGRES)
const auto of_postgres =
    backend_kind{"postgres", [] { return std::make_unique<postgres_backend>(); }};
const auto all_backends = testing::Values(of_postgres);
#elif defined(WEIR_TEST_REDIS)
const auto of_redis = backend_kind{"redis", [] { return std::make_unique<redis_backend>(); }};
const auto all_backends = testing::Values(of_redis);
#elif defined(WEIR_TEST_SQLITE)
const auto of_memory = backend_kind{"memory", [] { return std::make_unique<memory_backend>(); }};
const auto of_sqlite = backend_kind{"sqlite", [] { return std::make_unique<sqlite_backend>(); }};
const auto of_files = backend_kind{"file", [] { return std::make_unique<file_backend>(); }};
const auto all_backends = testing::Values(of_memory, of_files, of_sqlite);
#else
const auto of_memory = backend_kind{"memory", [] { return std::make_unique<memory_backend>(); }};
const auto all_backends = testing::Values(of_memory);
#endif

INSTANTIATE_TEST_SUITE_P(stores, StoreContractTest, all_backends, [](const auto& of) {
  return std::string(of.param.name);
});

}  // namespace
}  // namespace weir::test
