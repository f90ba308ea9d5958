#include "engine/runtime/timer_queue.hpp"

#include <gtest/gtest.h>

#include <set>
#include <tuple>
#include <vector>

namespace weir {
namespace {

constexpr std::uint8_t tag = 7;

time_point at(int ms_from_0) {
  return time_point(std::chrono::milliseconds(ms_from_0));
}

struct TimerQueueTest : testing::Test {
  timer_queue queue{tag};
  std::vector<int> called;

  timer_id add(int when, int name) {
    return queue.add(at(when), [this, name] { called.push_back(name); });
  }

  void run_until(int when) {
    while (auto due = queue.pop_due(at(when))) std::move(due)();
  }
};

TEST_F(TimerQueueTest, calls_in_order_of_time_and_then_of_coming) {
  add(30, 3);
  add(10, 1);
  add(20, 2);
  add(10, 11);
  EXPECT_EQ(queue.next(), at(10));
  run_until(20);
  EXPECT_EQ(called, (std::vector<int>{1, 11, 2}));
  EXPECT_EQ(queue.size(), 1u);
}

TEST_F(TimerQueueTest, forgets_cancelled_timers_at_once_and_ignores_stale_ids) {
  const auto first = add(10, 1);
  add(20, 2);
  EXPECT_TRUE(queue.cancel(first));
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_FALSE(queue.cancel(first));
  const auto reuses_the_slot = add(5, 3);
  EXPECT_NE(reuses_the_slot, first);
  EXPECT_FALSE(queue.cancel(first));
  EXPECT_FALSE(queue.cancel(0));
  EXPECT_FALSE(queue.cancel(~timer_id{0}));
  run_until(100);
  EXPECT_EQ(called, (std::vector<int>{3, 2}));
}

TEST_F(TimerQueueTest, carries_its_tag_in_every_id) {
  EXPECT_EQ(timer_queue::tag_of(add(1, 1)), tag);
  EXPECT_EQ(timer_queue::tag_of(add(1, 2)), tag);
}

TEST_F(TimerQueueTest, agrees_with_a_sorted_list_under_random_adds_and_cancels) {
  std::set<std::pair<int, int>> expected;  // when, name
  std::vector<std::tuple<timer_id, int, int>> made;
  std::uint64_t random = 1;
  const auto draw = [&](std::uint64_t below) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int>((random >> 33) % below);
  };
  for (int name = 0; name < 20'000; ++name) {
    const int when = draw(1000);
    made.emplace_back(add(when, name), when, name);
    expected.emplace(when, name);
    if (draw(3) == 0) {
      const auto [id, victim_when, victim] = made[static_cast<std::size_t>(draw(made.size()))];
      EXPECT_EQ(static_cast<bool>(queue.cancel(id)), expected.erase({victim_when, victim}) == 1);
    }
  }
  run_until(1000);
  std::vector<int> in_order;
  for (const auto& [when, name] : expected) in_order.push_back(name);
  EXPECT_EQ(called, in_order);
}

}  // namespace
}  // namespace weir
