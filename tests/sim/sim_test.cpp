#include "tests/sim/world/sim_environment.hpp"
#include "tests/sim/world/sim_scheduler.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <vector>

namespace weir::sim {

namespace {

// ---- scheduler

TEST(SimSchedulerTest, RunsEventsInTheOrderOfTheirTimes) {
  scheduler world(1);
  std::vector<int> ran;
  world.at(30ms, [&] { ran.push_back(3); });
  world.at(10ms, [&] { ran.push_back(1); });
  world.at(20ms, [&] { ran.push_back(2); });
  world.run_until(25ms);
  EXPECT_EQ(ran, (std::vector{1, 2}));
  EXPECT_EQ(world.now(), 25ms);
  world.run_for(5ms);
  EXPECT_EQ(ran, (std::vector{1, 2, 3}));
}

std::vector<int> order_of_ties(std::uint64_t seed) {
  scheduler world(seed);
  std::vector<int> ran;
  for (int i = 0; i < 20; ++i) world.at(1ms, [&ran, i] { ran.push_back(i); });
  world.run_until(1ms);
  return ran;
}

TEST(SimSchedulerTest, TheSeedDecidesTies) {
  EXPECT_EQ(order_of_ties(7), order_of_ties(7));
  EXPECT_NE(order_of_ties(7), order_of_ties(8));
  EXPECT_EQ(order_of_ties(7).size(), 20u);
}

TEST(SimSchedulerTest, NeverRunsAnEventBeforeReturningNorAgain) {
  scheduler world(1);
  int ran = 0;
  const event_id event = world.at(-5ms, [&] { ++ran; });
  EXPECT_EQ(ran, 0);
  world.run_for(1ms);
  EXPECT_EQ(ran, 1);
  world.cancel(event);
  world.run_for(1s);
  EXPECT_EQ(ran, 1);
}

TEST(SimSchedulerTest, ACancelledEventIsDestroyedAtOnce) {
  scheduler world(1);
  auto watched = std::make_shared<int>(0);
  const event_id event = world.after(1s, [held = watched] { ++*held; });
  EXPECT_EQ(watched.use_count(), 2);
  world.cancel(event);
  EXPECT_EQ(watched.use_count(), 1);
  world.run_for(2s);
  EXPECT_EQ(*watched, 0);
}

TEST(SimSchedulerTest, HeldEventsWaitForTheirRelease) {
  scheduler world(1);
  std::vector<instant> ran;
  world.hold(7);
  world.at(
      1ms, [&] { ran.push_back(world.now()); }, 7
  );
  world.at(
      2ms, [&] { ran.push_back(world.now()); }, 8
  );
  world.run_until(10ms);
  EXPECT_EQ(ran, (std::vector<instant>{2ms}));
  world.release(7);
  world.run_until(20ms);
  EXPECT_EQ(ran, (std::vector<instant>{2ms, 10ms}));
}

TEST(SimSchedulerTest, DropsAllEventsOfAnOwnerHeldOnesToo) {
  scheduler world(1);
  int ran = 0;
  world.hold(7);
  world.at(
      1ms, [&] { ++ran; }, 7
  );
  world.at(
      20ms, [&] { ++ran; }, 7
  );
  world.at(
      30ms, [&] { ++ran; }, 8
  );
  world.run_until(10ms);
  EXPECT_EQ(world.drop(7), 2u);
  world.run_until(1s);
  EXPECT_EQ(ran, 1);
  EXPECT_FALSE(world.is_held(7));
}

TEST(SimSchedulerTest, RunsUntilAConditionHolds) {
  scheduler world(1);
  int ran = 0;
  for (int i = 1; i <= 5; ++i) world.at(i * 1ms, [&] { ++ran; });
  EXPECT_TRUE(world.run_until([&] { return ran == 3; }, 1s));
  EXPECT_EQ(world.now(), 3ms);
  EXPECT_FALSE(world.run_until([&] { return ran == 9; }, 1s));
  EXPECT_EQ(world.now(), 1s);
}

// ---- clock

TEST(SimClockTest, RatesAndOffsetsHoldInBothDirections) {
  for (const std::int64_t ppm : {-20'000, 0, 20'000}) {
    const node_clock clock(ppm, 500s);
    EXPECT_EQ(clock.at(0s), time_point(500s));
    EXPECT_EQ(clock.at(100s), time_point(600s + duration(ppm * 100'000)));
    for (const instant now : {0ns, 1ns, 333333333ns, instant(3h)}) {
      const instant back = clock.when(clock.at(now));
      EXPECT_LE(back, now);
      EXPECT_GE(back, now - 2ns);
      EXPECT_GE(clock.at(back), clock.at(now));
    }
  }
}

// ---- environment

struct SimEnvironmentTest : testing::Test {
  scheduler world{1};
};

TEST_F(SimEnvironmentTest, TimersFireByTheNodesOwnClockAndNeverEarly) {
  sim_environment fast(world, 1, {.clock = node_clock(20'000, 9s)});
  std::optional<time_point> fired;
  const time_point due = fast.now() + 10s;
  fast.schedule(due, [&] { fired = fast.now(); });
  world.run_until(9s);
  EXPECT_FALSE(fired);
  world.run_until(10s);
  ASSERT_TRUE(fired);
  EXPECT_GE(*fired, due);
  EXPECT_LT(*fired, due + 10ms);
}

TEST_F(SimEnvironmentTest, ACancelledTimerNeverFires) {
  sim_environment env(world, 1, {});
  bool fired = false;
  env.cancel(env.schedule(env.now() + 1s, [&] { fired = true; }));
  env.cancel(0);
  world.run_until(2s);
  EXPECT_FALSE(fired);
}

TEST_F(SimEnvironmentTest, TheCoarseClockLagsATickAtMostAndNeverGoesBack) {
  sim_environment env(world, 1, {.coarse_tick = 10ms});
  time_point last = env.coarse_now();
  for (int i = 0; i < 100; ++i) {
    world.run_for(777us);
    EXPECT_LE(env.coarse_now(), env.now());
    EXPECT_LT(env.now() - env.coarse_now(), 10ms);
    EXPECT_GE(env.coarse_now(), last);
    last = env.coarse_now();
  }
}

TEST_F(SimEnvironmentTest, TimeCountsOnWhileANodeIsFrozenAndItsTimersWait) {
  sim_environment env(world, 1, {});
  std::optional<time_point> fired;
  env.schedule(env.now() + 1s, [&] { fired = env.now(); });
  world.hold(1);
  world.run_until(5s);
  EXPECT_FALSE(fired);
  world.release(1);
  world.run_until(6s);
  EXPECT_EQ(fired, time_point(5s));
}

TEST_F(SimEnvironmentTest, RandomnessIsOfTheSeed) {
  sim_environment a(world, 1, {.seed = 5}), b(world, 2, {.seed = 5}), c(world, 3, {.seed = 6});
  EXPECT_EQ(a.hash_seed(), b.hash_seed());
  EXPECT_NE(a.hash_seed(), c.hash_seed());
  const std::uint64_t first = a.random();
  EXPECT_EQ(first, b.random());
  EXPECT_NE(first, c.random());
}

TEST_F(SimEnvironmentTest, BlockingWorkRunsOffTheLoopAndIsBounded) {
  sim_environment env(world, 1, {.pool_size = 2});
  int ran = 0;
  auto work = [&] {
    EXPECT_FALSE(env.on_event_loop());
    ++ran;
  };
  EXPECT_FALSE(env.run_blocking(work));
  EXPECT_FALSE(env.run_blocking(work));
  EXPECT_EQ(env.run_blocking(work), errc::overloaded);
  EXPECT_EQ(ran, 0);
  world.run_for(10ms);
  EXPECT_EQ(ran, 2);
  EXPECT_TRUE(env.on_event_loop());
  EXPECT_FALSE(env.run_blocking(work));
}

// A frame that must die while the object it points to is alive.
struct watcher {
  bool is_alive = true;
  int frames_ended_in_time = 0;

  ~watcher() { is_alive = false; }
};

struct frame_guard {
  watcher* of;
  sim_environment* env;

  ~frame_guard() {
    if (of->is_alive) ++of->frames_ended_in_time;
    asio::post(env->executor(), [] { ADD_FAILURE() << "ran after the crash"; });
    env->schedule(env->now(), [] { ADD_FAILURE() << "fired after the crash"; });
  }
};

asio::awaitable<void> wait_for(sim_environment& env, watcher& of, duration time) {
  frame_guard guard{&of, &env};
  auto start = [&env, time](auto handler) { env.schedule(env.now() + time, std::move(handler)); };
  co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(start, asio::use_awaitable);
  ADD_FAILURE() << "went on after the crash";
}

TEST_F(SimEnvironmentTest, ACrashDestroysFramesWhileWhatTheyReferToIsAlive) {
  watcher of;
  sim_environment env(world, 1, {});
  for (int i = 0; i < 3; ++i) {
    asio::co_spawn(env.executor(), wait_for(env, of, 1s), asio::detached);
  }
  env.run([] {});
  asio::co_spawn(env.executor(), wait_for(env, of, 1s), asio::detached);  // did not start yet
  env.crash();
  EXPECT_EQ(of.frames_ended_in_time, 3);  // a frame that never ran has no locals
  EXPECT_EQ(env.schedule(env.now(), [] { FAIL(); }), 0u);
  EXPECT_EQ(env.run_blocking([] { FAIL(); }), errc::overloaded);
  world.run_for(10s);
}

}  // namespace

}  // namespace weir::sim
