// A batch is one caller with a deadline: it waits for places and never refuses itself.
#include "tests/engine/keyspace/cache_fixture.hpp"

#include <algorithm>

namespace weir::test {
namespace {

class BatchTest : public CacheTest {
 protected:
  using answers = std::vector<result<lookup>>;

  static std::vector<std::string> keys(std::size_t count, const std::string& prefix = "key") {
    std::vector<std::string> out;
    for (std::size_t i = 0; i != count; ++i) out.push_back(prefix + std::to_string(i));
    return out;
  }

  static long found(const answers& all) {
    return std::count_if(all.begin(), all.end(), [](const auto& each) { return bool(each); });
  }

  std::future<answers> get_many_later(std::vector<std::string> of, get_options options = {}) {
    return std::async(std::launch::async, [this, of = std::move(of), options] {
      return users_.get_many(of, options);
    });
  }

  void record_order() {
    source_->answer_with([this](std::string_view key) -> result<loaded> {
      order_.emplace_back(key);  // one load at a time
      return loaded{.value = std::string(key)};
    });
  }

  std::vector<std::string> order_;
};

TEST_F(BatchTest, AThousandColdKeysAreAllAnsweredWithDefaultLimits) {
  EXPECT_EQ(found(users_.get_many(keys(1000))), 1000);
  EXPECT_EQ(users_.stats().refused_overloaded, 0u);
}

TEST_F(BatchTest, NeverRefusesItselfHoweverSmallTheLimits) {
  use({.name = "users", .loads = {.concurrent = 1, .queue = 1}});
  EXPECT_EQ(found(users_.get_many(keys(1000))), 1000);
  EXPECT_EQ(users_.stats().refused_overloaded, 0u);
}

TEST_F(BatchTest, ABatchDoesNotFillTheQueueOfOthers) {
  use({.name = "users", .loads = {.concurrent = 1, .queue = 1}});
  source_->close_gate();
  auto batch = get_many_later(keys(100));
  wait_until(&keyspace_stats::loads_waiting, 99);
  auto single = get_later("single");
  wait_until(&keyspace_stats::loads_waiting, 100);
  source_->open_gate();
  EXPECT_EQ(single.get(), "value of single");
  EXPECT_EQ(found(batch.get()), 100);
}

TEST_F(BatchTest, OthersAreStillRefusedWhenTheQueueIsFull) {
  use({.name = "users", .loads = {.concurrent = 1, .queue = 1}});
  source_->close_gate();
  auto batch = get_many_later(keys(100));
  wait_until(&keyspace_stats::loads_waiting, 99);
  auto waits = get_later("waits");
  wait_until(&keyspace_stats::loads_waiting, 100);
  const auto refused = users_.get("refused");
  source_->open_gate();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), errc::overloaded);
  EXPECT_EQ(refused.error().detail(), "loads.queue 1 is full");
  EXPECT_EQ(waits.get(), "value of waits");
}

TEST_F(BatchTest, ASingleLoadDoesNotWaitForTheEndOfABatch) {
  use({.name = "users", .loads = {.concurrent = 1}});
  record_order();
  source_->close_gate();
  auto batch = get_many_later(keys(100));
  wait_until(&keyspace_stats::loads_waiting, 99);
  auto single = get_later("single");
  wait_until(&keyspace_stats::loads_waiting, 100);
  source_->open_gate();
  EXPECT_EQ(single.get(), "single");
  EXPECT_EQ(found(batch.get()), 100);
  EXPECT_LE(std::find(order_.begin(), order_.end(), "single") - order_.begin(), 2);
}

TEST_F(BatchTest, BatchesTakeTurns) {
  use({.name = "users", .loads = {.concurrent = 1}});
  record_order();
  source_->close_gate();
  auto large = get_many_later(keys(100, "large"));
  wait_until(&keyspace_stats::loads_waiting, 99);
  auto small = get_many_later(keys(3, "small"));
  wait_until(&keyspace_stats::loads_waiting, 102);
  source_->open_gate();
  EXPECT_EQ(found(small.get()), 3);
  EXPECT_EQ(found(large.get()), 100);
  EXPECT_LE(std::find(order_.begin(), order_.end(), "small2") - order_.begin(), 7);
}

TEST_F(BatchTest, AllBatchesTogetherAreBounded) {
  use({.name = "users", .loads = {.concurrent = 1}});
  source_->close_gate();
  std::vector<std::future<answers>> batches;
  for (std::size_t i = 0; i != max_batch_loads / 1000; ++i)
    batches.push_back(get_many_later(keys(1000, std::to_string(i) + "-")));
  wait_until(&keyspace_stats::loads_waiting, max_batch_loads - 1);
  const auto over = users_.get_many(keys(2, "over"), {.timeout = 100ms});
  EXPECT_EQ(over[0].error(), errc::deadline_exceeded);  // the last place to wait in
  EXPECT_EQ(over[1].error(), errc::overloaded);
  EXPECT_EQ(over[1].error().detail(), "16000 keys of batches wait already");
  cache_.remove_keyspace("users").value();
  source_->open_gate();
  for (auto& each : batches) each.get();
}

TEST_F(BatchTest, EndsAtItsDeadlineAndLeavesThePlacesToOthers) {
  use({.name = "users", .loads = {.concurrent = 1}});
  source_->close_gate();
  const auto late = users_.get_many(keys(1000), {.timeout = 50ms});
  EXPECT_EQ(found(late), 0);
  EXPECT_EQ(late.back().error(), errc::deadline_exceeded);
  source_->open_gate();
  EXPECT_EQ(get("after"), "value of after");
  wait_until_none_waits();
  EXPECT_LE(users_.stats().loads_value, 2u);
}

}  // namespace
}  // namespace weir::test
