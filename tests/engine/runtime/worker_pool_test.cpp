#include "engine/runtime/worker_pool.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <thread>

namespace weir {
namespace {

using namespace std::chrono_literals;

/// Jobs that wait for one another, as sources do that get from other keyspaces.
struct WorkerPoolTest : testing::Test {
  /// Each level runs the next one on the pool and waits for it; the deepest answers.
  static bool nested(worker_pool& pool, int depth) {
    if (depth == 0) return true;
    auto answer = std::make_shared<std::promise<bool>>();
    auto job = [&pool, depth, answer] { answer->set_value(nested(pool, depth - 1)); };
    const auto refused = pool.run(std::move(job));
    if (refused) return false;
    pool.begin_wait();
    auto waited = answer->get_future();
    answer.reset();  // a dropped job breaks the promise
    bool result = false;
    try {
      result = waited.get();
    } catch (const std::future_error&) {
    }
    pool.end_wait();
    return result;
  }
};

TEST_F(WorkerPoolTest, runs_jobs_that_wait_deeper_than_it_has_threads) {
  worker_pool pool({.working = 2, .total = 64});
  EXPECT_TRUE(nested(pool, 30));
  EXPECT_EQ(pool.count().waiting, 0u);
}

TEST_F(WorkerPoolTest, several_deep_chains_at_once_end_too) {
  worker_pool pool({.working = 1, .total = 256});
  std::vector<std::future<bool>> chains;
  for (int i = 0; i < 8; ++i)
    chains.push_back(std::async(std::launch::async, [&] { return nested(pool, 20); }));
  for (auto& chain : chains) EXPECT_TRUE(chain.get());
}

TEST_F(WorkerPoolTest, answers_instead_of_a_deadlock_when_all_threads_wait) {
  worker_pool pool({.working = 2, .total = 8});
  EXPECT_FALSE(nested(pool, 20));
  EXPECT_TRUE(nested(pool, 5));
}

TEST_F(WorkerPoolTest, drops_queued_jobs_when_the_last_thread_begins_to_wait) {
  worker_pool pool({.working = 1, .total = 1, .queue = 10});
  std::promise<void> queued, go_on;
  auto may_go_on = go_on.get_future();
  auto is_queued = queued.get_future();
  std::promise<bool> dropped;
  std::promise<void> ended;
  EXPECT_FALSE(pool.run([&] {
    is_queued.wait();
    pool.begin_wait();
    may_go_on.wait();
    pool.end_wait();
    ended.set_value();
  }));

  struct tell {
    std::promise<bool>* to;

    ~tell() { to->set_value(true); }
  };

  EXPECT_FALSE(pool.run([told = std::make_unique<tell>(&dropped)] { FAIL(); }));
  queued.set_value();
  EXPECT_TRUE(dropped.get_future().get());
  EXPECT_EQ(pool.run([] { FAIL(); }), errc::overloaded);
  go_on.set_value();
  ended.get_future().get();
}

TEST_F(WorkerPoolTest, runs_no_more_than_its_limit_and_refuses_beyond_its_queue) {
  worker_pool pool({.working = 2, .total = 8, .queue = 3});
  std::promise<void> open;
  const auto gate = open.get_future().share();
  std::atomic<int> running{0}, most{0}, ran{0};
  std::promise<void> both;
  std::promise<void> all;
  const auto job = [&, gate] {
    const int now = ++running;
    if (now > most) most = now;
    if (now == 2 && ran == 0) both.set_value();
    gate.wait();
    ++ran;
    --running;
    if (ran == 5) all.set_value();
  };
  EXPECT_FALSE(pool.run(job));
  EXPECT_FALSE(pool.run(job));
  both.get_future().get();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(pool.run(job));
  EXPECT_EQ(pool.run(job), errc::overloaded);
  EXPECT_EQ(pool.count().threads, 2u);
  open.set_value();
  all.get_future().get();
  EXPECT_EQ(most, 2);
}

TEST_F(WorkerPoolTest, lets_idle_threads_go) {
  worker_pool pool({.working = 4, .total = 4, .idle = 1ms});
  for (int round = 0; round < 3; ++round) {
    std::promise<void> ran;
    EXPECT_FALSE(pool.run([&] { ran.set_value(); }));
    ran.get_future().get();
    while (pool.count().threads > 0) std::this_thread::yield();
  }
}

TEST_F(WorkerPoolTest, stop_waits_for_running_jobs_and_drops_the_others) {
  std::atomic<bool> ended{false};
  auto owned = std::make_shared<int>(1);
  std::promise<void> running, open;
  auto gate = open.get_future();
  worker_pool pool({.working = 1, .total = 1});
  EXPECT_FALSE(pool.run([&] {
    running.set_value();
    gate.wait();
    ended = true;
  }));
  running.get_future().get();
  EXPECT_FALSE(pool.run([owned] { FAIL(); }));
  auto stopping = std::async(std::launch::async, [&] { pool.stop(); });
  while (owned.use_count() > 1) std::this_thread::yield();
  open.set_value();
  stopping.get();
  EXPECT_TRUE(ended);
  EXPECT_EQ(pool.run([] { FAIL(); }), errc::unavailable);
  EXPECT_EQ(pool.count().threads, 0u);
}

TEST_F(WorkerPoolTest, waiting_on_other_threads_changes_nothing) {
  worker_pool pool({.working = 1});
  pool.begin_wait();
  pool.end_wait();
  EXPECT_EQ(pool.count().waiting, 0u);
  EXPECT_TRUE(nested(pool, 1));
}

}  // namespace
}  // namespace weir
