#include "tests/sim/sim_environment.hpp"
#include "tests/sim/sim_fabric.hpp"
#include "tests/sim/sim_network.hpp"
#include "tests/sim/sim_scheduler.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
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

// ---- network

struct fake_node : peer_handler {
  fake_node(scheduler& world, fabric& wires, const std::string& id, owner_id owner)
      : env(std::make_unique<sim_environment>(world, owner, machine{.seed = owner})),
        net(std::make_unique<sim_network>(wires, *env, identity{"test", id, owner, 1, id + ":1"})) {
    net->listen(*this);
  }

  ~fake_node() override { crash(going_down::process); }

  void crash(going_down how) {
    if (!net) return;
    net->crash(how);
    env->crash();
    net.reset();
    env.reset();
  }

  bool try_serve(const peer_request&, peer_reply& reply) override {
    ++served;
    if (answer_after > 0ns) return false;
    reply.body = ping_reply{};
    return true;
  }

  void serve(identity from, peer_request, completion<peer_reply> reply) override {
    last_from = from;
    if (forget_reply) return;
    env->schedule(env->now() + answer_after, [reply = std::move(reply)]() mutable {
      std::move(reply)(peer_reply{7, ping_reply{}});
    });
  }

  void on_link_up(const std::string& address, const identity& peer) override {
    ups.push_back(address + "=" + peer.id);
  }

  void on_link_down(const std::string& address, link_loss cause) override {
    downs.emplace_back(address, cause);
  }

  void on_peer_seen(const identity& peer) override { seen.push_back(peer.id); }

  void ping(const std::string& address, duration timeout = 5s) {
    auto done = [this](result<peer_reply> got) {
      outcomes.push_back(got ? error_code() : got.error());
    };
    net->call(address, {1, 5000ms, ping_request{}}, env->now() + timeout, done);
    EXPECT_EQ(outcomes.size(), before_call);
  }

  std::unique_ptr<sim_environment> env;
  std::unique_ptr<sim_network> net;
  duration answer_after{0};
  bool forget_reply = false;
  int served = 0;
  identity last_from;
  std::vector<std::string> ups, seen;
  std::vector<std::pair<std::string, link_loss>> downs;
  std::vector<error_code> outcomes;
  std::size_t before_call = 0;
};

struct SimNetworkTest : testing::Test {
  scheduler world{1};
  fabric wires{world, 1};
  std::optional<fake_node> a{std::in_place, world, wires, "a", 1};
  std::optional<fake_node> b{std::in_place, world, wires, "b", 2};

  void link() {
    a->net->connect("b:1");
    world.run_for(100ms);
  }

  error_code outcome() { return a->outcomes.empty() ? asio::error::in_progress : a->outcomes[0]; }
};

TEST_F(SimNetworkTest, AHandshakeTellsBothSidesWhoTheOtherIs) {
  link();
  EXPECT_EQ(a->ups, (std::vector<std::string>{"b:1=b"}));
  EXPECT_EQ(b->seen, (std::vector<std::string>{"a"}));
  EXPECT_TRUE(a->net->is_linked("b:1"));
  EXPECT_FALSE(b->net->is_linked("a:1"));
}

TEST_F(SimNetworkTest, ACallIsAnsweredOnce) {
  link();
  a->ping("b:1");
  world.run_for(10s);
  EXPECT_EQ(a->outcomes, (std::vector<error_code>{{}}));
  b->answer_after = 10ms;
  a->before_call = 1;
  a->ping("b:1");
  world.run_for(10s);
  EXPECT_EQ(a->outcomes.size(), 2u);
  EXPECT_EQ(b->last_from.id, "a");
}

TEST_F(SimNetworkTest, ACallWithoutALinkIsUnavailable) {
  a->ping("b:1");
  world.run_for(1ms);
  EXPECT_EQ(outcome(), errc::unavailable);
}

TEST_F(SimNetworkTest, ACallEndsAtItsDeadlineWhateverThePeerDoes) {
  link();
  b->answer_after = 2s;
  a->ping("b:1", 500ms);
  world.run_for(499ms);
  EXPECT_TRUE(a->outcomes.empty());
  world.run_for(2ms);
  EXPECT_EQ(outcome(), errc::deadline_exceeded);
  world.run_for(10s);
  EXPECT_EQ(a->outcomes.size(), 1u);
}

TEST_F(SimNetworkTest, AKilledProcessResetsItsLinksAndRefusesUntilItIsBack) {
  link();
  b->answer_after = 2s;
  a->ping("b:1");
  world.run_for(10ms);
  b->crash(going_down::process);
  world.run_for(10ms);
  EXPECT_EQ(outcome(), errc::unavailable);
  ASSERT_EQ(a->downs.size(), 1u);
  EXPECT_EQ(a->downs[0].second, link_loss::reset);
  world.run_for(3s);
  ASSERT_GE(a->downs.size(), 3u);
  EXPECT_EQ(a->downs.back().second, link_loss::refused);
  b.emplace(world, wires, "b", 3);
  world.run_for(2s);
  EXPECT_EQ(a->ups.size(), 2u);
}

TEST_F(SimNetworkTest, PowerLossIsSilenceUntilTheUserTimeout) {
  link();
  a->ping("b:1", 20s);
  b->crash(going_down::machine);
  world.run_for(2900ms);
  EXPECT_TRUE(a->outcomes.empty());
  world.run_for(1s);
  EXPECT_EQ(outcome(), errc::unavailable);
  world.run_for(3s);
  EXPECT_EQ(a->downs.back().second, link_loss::timeout);
}

TEST_F(SimNetworkTest, ACutHoldsMessagesBackUntilItHeals) {
  link();
  wires.cut("a:1", "b:1");
  a->ping("b:1");
  world.run_for(1s);
  EXPECT_EQ(b->served, 0);
  wires.heal();
  world.run_for(1s);
  EXPECT_EQ(b->served, 1);
  EXPECT_EQ(outcome(), error_code());
}

TEST_F(SimNetworkTest, ACutIsOneWay) {
  link();
  wires.cut("b:1", "a:1");
  a->ping("b:1", 1s);
  world.run_for(2s);
  EXPECT_EQ(b->served, 1);
  EXPECT_EQ(outcome(), errc::deadline_exceeded);
}

TEST_F(SimNetworkTest, MessagesForAFrozenNodeWaitForIt) {
  link();
  world.hold(b->env->owner());
  a->ping("b:1", 10s);
  world.run_for(5s);
  EXPECT_EQ(b->served, 0);
  world.release(b->env->owner());
  world.run_for(1s);
  EXPECT_EQ(b->served, 1);
  EXPECT_EQ(outcome(), error_code());
}

TEST_F(SimNetworkTest, ADuplicateIsHandledTwiceAndAnsweredOnce) {
  link();
  wires.set_faults({.duplicate = 1});
  a->ping("b:1");
  world.run_for(1s);
  EXPECT_EQ(b->served, 2);
  EXPECT_EQ(a->outcomes.size(), 1u);
}

TEST_F(SimNetworkTest, ALostMessageEndsInOneOutcomeAllTheSame) {
  link();
  wires.set_faults({.loss = 1});
  for (int i = 0; i < 100; ++i) {
    a->before_call = a->outcomes.size();
    a->ping("b:1");
    world.run_for(10s);
    ASSERT_EQ(a->outcomes.size(), a->before_call + 1);
  }
  EXPECT_GT(a->downs.size(), 0u);
  EXPECT_GT(b->served, 0);
}

TEST_F(SimNetworkTest, AbandonFailsWhatIsPendingAndKeepsTheLink) {
  link();
  b->answer_after = 2s;
  a->ping("b:1");
  world.run_for(100ms);
  a->net->abandon("b:1");
  EXPECT_TRUE(a->outcomes.empty());
  world.run_for(1ms);
  EXPECT_EQ(outcome(), errc::unavailable);
  EXPECT_TRUE(a->net->is_linked("b:1"));
}

TEST_F(SimNetworkTest, DisconnectEndsCallsAndDialling) {
  link();
  b->answer_after = 2s;
  a->ping("b:1");
  world.run_for(100ms);
  a->net->disconnect("b:1");
  world.run_for(10s);
  EXPECT_EQ(outcome(), errc::unavailable);
  EXPECT_FALSE(a->net->is_linked("b:1"));
  EXPECT_EQ(a->ups.size(), 1u);
}

TEST_F(SimNetworkTest, AnotherClusterIsRejected) {
  sim_environment env(world, 9, {});
  sim_network stranger(wires, env, identity{"other", "c", 9, 1, "c:1"});
  a->net->connect("c:1");
  fake_node unused(world, wires, "d", 10);
  stranger.listen(unused);
  world.run_for(3s);
  ASSERT_FALSE(a->downs.empty());
  EXPECT_EQ(a->downs.back().second, link_loss::rejected);
  EXPECT_TRUE(a->ups.empty());
}

TEST_F(SimNetworkTest, AForgottenReplyIsNoticed) {
  link();
  b->answer_after = 1ms;
  b->forget_reply = true;
  a->ping("b:1", 1s);
  world.run_for(2s);
  EXPECT_EQ(outcome(), errc::deadline_exceeded);
  EXPECT_EQ(wires.counts().replies_dropped, 1u);
}

}  // namespace

}  // namespace weir::sim
