#include <weir/engine/runtime.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <set>
#include <thread>

namespace weir {
namespace {

using namespace std::chrono_literals;

TEST(RuntimeTest, refuses_options_out_of_range) {
  EXPECT_THROW(runtime({.threads = 257}), std::invalid_argument);
  EXPECT_THROW(runtime({.worker_threads = 0}), std::invalid_argument);
  EXPECT_THROW(runtime({.worker_queue = 0}), std::invalid_argument);
}

TEST(RuntimeTest, has_one_loop_per_thread_asked_for) {
  runtime three({.threads = 3});
  EXPECT_EQ(three.loops().size(), 3u);
  runtime some;
  EXPECT_GE(some.loops().size(), 1u);
}

TEST(RuntimeTest, knows_its_loops_from_other_threads) {
  runtime env({.threads = 2});
  EXPECT_FALSE(env.on_event_loop());
  for (auto* io : env.loops()) {
    std::promise<bool> same;
    asio::post(*io, [&] {
      same.set_value(
          env.on_event_loop() && env.executor() == asio::any_io_executor(io->get_executor())
      );
    });
    EXPECT_TRUE(same.get_future().get());
  }
}

TEST(RuntimeTest, spreads_callers_from_elsewhere_over_the_loops) {
  runtime env({.threads = 2});
  EXPECT_NE(env.executor(), env.executor());
}

TEST(RuntimeTest, does_not_take_the_loop_of_another_runtime_for_its_own) {
  runtime one({.threads = 1});
  runtime other({.threads = 1});
  std::promise<bool> same;
  asio::post(*one.loops()[0], [&] { same.set_value(other.executor() == one.executor()); });
  EXPECT_FALSE(same.get_future().get());
}

TEST(RuntimeTest, coarse_clock_is_never_ahead_nor_goes_back_nor_is_far_behind) {
  runtime env({.threads = 1});
  time_point last{};
  for (int i = 0; i < 10'000; ++i) {
    const auto coarse = env.coarse_now();
    const auto exact = env.now();
    EXPECT_LE(coarse, exact);
    EXPECT_LE(last, coarse);
    last = coarse;
  }
  // A preempted thread may see more, but hardly a hundred times in a row.
  auto least = steady_duration::max();
  for (int i = 0; i < 100; ++i) {
    const auto exact = env.now();
    least = std::min(least, exact - env.coarse_now());
  }
  EXPECT_LE(least, 10ms);
}

TEST(RuntimeTest, random_repeats_itself_only_with_the_same_seed) {
  runtime a({.threads = 1, .seed = 1});
  runtime b({.threads = 1, .seed = 1});
  runtime c({.threads = 1, .seed = 2});
  runtime d({.threads = 1});
  const auto first = a.random();
  EXPECT_EQ(first, b.random());
  EXPECT_NE(first, c.random());
  EXPECT_NE(first, d.random());
  EXPECT_NE(first, a.random());
  EXPECT_EQ(a.hash_seed(), b.hash_seed());
  EXPECT_NE(a.hash_seed(), c.hash_seed());
  EXPECT_EQ(a.hash_seed(), a.hash_seed());
}

TEST(RuntimeTest, random_gives_every_thread_other_numbers) {
  runtime env({.threads = 1, .seed = 1});
  constexpr int count = 10'000;
  std::vector<std::uint64_t> seen[2];
  std::thread threads[2];
  for (int t = 0; t < 2; ++t) {
    threads[t] = std::thread([&, t] {
      for (int i = 0; i < count; ++i) seen[t].push_back(env.random());
    });
  }
  for (auto& thread : threads) thread.join();
  std::set<std::uint64_t> all(seen[0].begin(), seen[0].end());
  all.insert(seen[1].begin(), seen[1].end());
  EXPECT_EQ(all.size(), 2u * count);
}

TEST(RuntimeTest, fires_timers_in_order_on_a_loop_and_not_before_their_time) {
  runtime env({.threads = 1});
  std::promise<std::vector<int>> done;
  std::vector<int> order;
  const auto begin = env.now();
  std::atomic<bool> early{false};
  const auto expect_at = [&](steady_duration after, int name) {
    env.schedule(begin + after, [&, after, name] {
      if (env.now() < begin + after || !env.on_event_loop()) early = true;
      order.push_back(name);
      if (order.size() == 3) done.set_value(order);
    });
  };
  std::promise<void> scheduled;
  asio::post(*env.loops()[0], [&] {
    expect_at(20ms, 3);
    expect_at(1ms, 1);
    expect_at(10ms, 2);
    scheduled.set_value();
  });
  EXPECT_EQ(done.get_future().get(), (std::vector<int>{1, 2, 3}));
  EXPECT_FALSE(early);
}

TEST(RuntimeTest, never_calls_back_before_schedule_returns) {
  runtime env({.threads = 1});
  std::promise<bool> result;
  asio::post(*env.loops()[0], [&] {
    auto called = std::make_shared<bool>(false);
    env.schedule(env.now() - 1h, [called] { *called = true; });
    const bool before = *called;
    env.schedule(env.now(), [&result, called, before] { result.set_value(!before && *called); });
  });
  EXPECT_TRUE(result.get_future().get());
}

TEST(RuntimeTest, drops_a_cancelled_timer_with_all_that_it_owns) {
  runtime env({.threads = 2});
  auto owned = std::make_shared<int>(1);
  std::weak_ptr<int> watch = owned;
  const auto timer = env.schedule(env.now() + 1h, [owned = std::move(owned)] { FAIL(); });
  EXPECT_FALSE(watch.expired());
  env.cancel(timer);
  EXPECT_TRUE(watch.expired());
  env.cancel(timer);
  env.cancel(0);
  env.cancel(~timer_id{0});
}

TEST(RuntimeTest, a_callback_may_cancel_one_that_is_due_too) {
  runtime env({.threads = 1});
  std::promise<bool> result;
  asio::post(*env.loops()[0], [&] {
    const auto due = env.now();
    auto second = std::make_shared<timer_id>(0);
    auto called = std::make_shared<bool>(false);
    env.schedule(due, [&env, second] { env.cancel(*second); });
    *second = env.schedule(due, [called] { *called = true; });
    env.schedule(due, [&result, called] { result.set_value(*called); });
  });
  EXPECT_FALSE(result.get_future().get());
}

TEST(RuntimeTest, a_chain_of_due_timers_does_not_starve_the_loop) {
  runtime env({.threads = 1});
  std::atomic<bool> stop{false};
  std::atomic<int> links{0};

  struct chain {
    runtime* env;
    std::atomic<bool>* stop;
    std::atomic<int>* links;

    void operator()() const {
      ++*links;
      if (!*stop) env->schedule(time_point{}, *this);
    }
  };

  env.schedule(time_point{}, chain{&env, &stop, &links});
  std::promise<void> passed;
  asio::post(*env.loops()[0], [&] { passed.set_value(); });
  passed.get_future().get();
  stop = true;
  EXPECT_GE(links, 0);
}

TEST(RuntimeTest, honours_the_executor_of_the_callback) {
  runtime env({.threads = 2});
  auto* const wanted = env.loops()[1];
  for (int i = 0; i < 4; ++i) {  // whichever loop keeps the timer
    std::promise<bool> there;
    env.schedule(env.now(), asio::bind_executor(wanted->get_executor(), [&] {
                   there.set_value(env.executor() == asio::any_io_executor(wanted->get_executor()));
                 }));
    EXPECT_TRUE(there.get_future().get());
  }
}

TEST(RuntimeTest, fires_a_hundred_thousand_timers_from_several_threads) {
  runtime env({.threads = 2});
  constexpr int per_thread = 25'000;
  std::atomic<int> fired{0};
  std::promise<void> all;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < per_thread; ++i) {
        const auto when = env.now() + std::chrono::microseconds((i * 7919 + t) % 5000);
        env.schedule(when, [&] {
          if (++fired == 2 * per_thread) all.set_value();
        });
        if (i % 2 == 0) env.cancel(env.schedule(env.now() + 1h, [] {}));
      }
    });
    if (t == 1) {
      for (auto& thread : threads) thread.join();
      threads.clear();
      all.get_future().get();
      all = {};
      fired = 0;
    }
  }
  for (auto& thread : threads) thread.join();
  all.get_future().get();
  EXPECT_EQ(fired, 2 * per_thread);
}

TEST(RuntimeTest, stop_drops_pending_timers_and_posts_and_later_ones_never_fire) {
  auto owned = std::make_shared<int>(1);
  std::weak_ptr<int> watch = owned;
  {
    runtime env({.threads = 2});
    for (int i = 0; i < 100; ++i) env.schedule(env.now() + 1h, [owned] { FAIL(); });
    env.stop();
    env.stop();
    EXPECT_EQ(watch.use_count(), 1);
    env.schedule(env.now(), [owned] { FAIL(); });
    EXPECT_EQ(env.run_blocking([owned] { FAIL(); }), errc::unavailable);
    asio::post(*env.loops()[0], [owned, work = asio::make_work_guard(*env.loops()[1])] { FAIL(); });
  }
  EXPECT_EQ(watch.use_count(), 1);
}

TEST(RuntimeTest, stop_on_its_own_threads_is_a_mistake_that_is_named) {
  runtime env({.threads = 1});
  const auto stops_throwing = [&] {
    try {
      env.stop();
    } catch (const std::logic_error&) {
      return true;
    }
    return false;
  };
  std::promise<bool> on_loop, on_worker;
  asio::post(*env.loops()[0], [&] { on_loop.set_value(stops_throwing()); });
  EXPECT_TRUE(on_loop.get_future().get());
  EXPECT_FALSE(env.run_blocking([&] { on_worker.set_value(stops_throwing()); }));
  EXPECT_TRUE(on_worker.get_future().get());
}

}  // namespace
}  // namespace weir
