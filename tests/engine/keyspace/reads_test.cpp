// What a read counts as, on one node; the outcomes that need a second one are in
// tests/doors/http/door_reads_test.cpp.

#include "tests/engine/keyspace/cache_fixture.hpp"

#include <numeric>

namespace weir::test {
namespace {

std::uint64_t count(const keyspace_stats& of, read_outcome from) {
  return of.reads[static_cast<std::size_t>(from)];
}

std::uint64_t failed(const keyspace_stats& of, errc why) {
  return of.reads_failed[static_cast<std::size_t>(why)];
}

std::uint64_t all(const keyspace_stats& of) {
  return std::accumulate(of.reads.begin(), of.reads.end(), std::uint64_t{0}) +
         std::accumulate(of.reads_failed.begin(), of.reads_failed.end(), std::uint64_t{0});
}

TEST_F(CacheTest, ReadsCountOnceByWhatAnsweredThem) {
  get("1");
  get("1");
  users_.find("1").value();
  EXPECT_EQ(users_.get_many({"1", "2", "3"}).size(), 3u);
  const auto stats = users_.stats();
  EXPECT_EQ(count(stats, read_outcome::source), 3u);
  EXPECT_EQ(count(stats, read_outcome::memory), 3u);
  EXPECT_EQ(all(stats), 6u);
  EXPECT_DOUBLE_EQ(hit_ratio(stats.reads).value(), 0.5);
}

TEST_F(CacheTest, ReadsThatJoinALoadAreNotLoads) {
  source_->close_gate();
  std::vector<std::future<std::string>> callers;
  for (int i = 0; i != 20; ++i) callers.push_back(get_later("1"));
  wait_until_missed(20);
  source_->open_gate();
  for (auto& each : callers) each.get();
  const auto stats = users_.stats();
  EXPECT_EQ(count(stats, read_outcome::source), 1u);
  EXPECT_EQ(count(stats, read_outcome::joined), 19u);
  EXPECT_EQ(all(stats), 20u);
}

TEST_F(CacheTest, ReadsOfAbsentKeysCountLikeOthers) {
  source_->answer_with([](std::string_view) { return loaded{.found = false}; });
  get("1");
  get("1");
  const auto stats = users_.stats();
  EXPECT_EQ(count(stats, read_outcome::source), 1u);
  EXPECT_EQ(count(stats, read_outcome::memory), 1u);
}

TEST_F(CacheTest, ReadsThatFailCountByTheirError) {
  source_->answer_with([](std::string_view) -> result<loaded> { return errc::source_failed; });
  get("1");
  get("");
  EXPECT_EQ(users_.get_many({"2", ""}).size(), 2u);
  source_->close_gate();
  get("3", {.timeout = 5ms});
  const auto stats = users_.stats();
  EXPECT_EQ(failed(stats, errc::source_failed), 2u);
  EXPECT_EQ(failed(stats, errc::bad_key), 2u);
  EXPECT_EQ(failed(stats, errc::deadline_exceeded), 1u);
  EXPECT_EQ(all(stats), 5u);
  EXPECT_FALSE(hit_ratio(stats.reads));
}

TEST_F(CacheTest, AFreshReadIsALoad) {
  get("1");
  get("1", {.from = read_from::source});
  EXPECT_EQ(count(users_.stats(), read_outcome::source), 2u);
}

TEST_F(CacheTest, AReadOfTheOwnerIsOneOfMemory) {
  get("1");
  get("1", {.from = read_from::owner});
  EXPECT_EQ(count(users_.stats(), read_outcome::memory), 1u);
}

TEST_F(CacheTest, AReadThatIsAskedAgainCountsOnce) {
  get("1");
  get("1", {.attempt = read_attempt::again});
  get("1", {.from = read_from::owner, .attempt = read_attempt::again});
  get("2", {.attempt = read_attempt::again});
  get("", {.attempt = read_attempt::again});
  const auto stats = users_.stats();
  EXPECT_EQ(all(stats), 1u);
  EXPECT_EQ(stats.hits, 2u);
}

TEST_F(CacheTest, PeeksCountOnlyWhenTheyServe) {
  EXPECT_FALSE(users_.peek("1"));
  EXPECT_EQ(all(users_.stats()), 0u);
  get("1");
  EXPECT_TRUE(users_.peek("1"));
  EXPECT_EQ(count(users_.stats(), read_outcome::memory), 1u);
}

TEST_F(CacheTest, CallsOfTheSourceAreCountedBesideLoads) {
  get("1");
  EXPECT_EQ(users_.get_many({"2", "3"}).size(), 2u);
  const auto stats = users_.stats();
  EXPECT_EQ(stats.loads_value, 3u);
  EXPECT_EQ(stats.source_calls, 3u);
  EXPECT_EQ(stats.source_batches, 0u);
  EXPECT_EQ(stats.load_duration.count, 3u);
}

/// Answers every key of a call at once.
class batched_source final : public data_source {
 public:
  asio::awaitable<result<loaded>> async_load(std::string key, load_context) override {
    co_return loaded{.value = bytes(key)};
  }

  asio::awaitable<std::vector<result<loaded>>> async_load_many(
      std::vector<std::string> keys, load_context
  ) override {
    std::vector<result<loaded>> out;
    for (auto& key : keys) out.emplace_back(loaded{.value = bytes(key)});
    co_return out;
  }

  bool is_batched() const noexcept override { return true; }
};

TEST(Reads, ABatchIsOneCallAndALoadPerKey) {
  weir::cache cache{cache_options{.runtime = {.threads = 1}}};
  auto users = cache.add_keyspace({.name = "users"}, std::make_shared<batched_source>());
  EXPECT_EQ(users.get_many({"1", "2", "3"}).size(), 3u);
  const auto stats = users.stats();
  EXPECT_EQ(stats.loads_value, 3u);
  EXPECT_EQ(stats.source_calls, 1u);
  EXPECT_EQ(stats.source_batches, 1u);
  EXPECT_EQ(stats.load_duration.count, 1u);
  EXPECT_EQ(count(stats, read_outcome::source), 3u);
}

TEST(DurationCounts, TellTheShareBelowADuration) {
  duration_counts of;
  EXPECT_FALSE(of.quantile(0.5));
  for (int i = 0; i != 98; ++i) of.add(std::chrono::microseconds(20));
  of.add(std::chrono::microseconds(300'000));
  of.add(std::chrono::seconds(60));
  const auto half = of.quantile(0.5).value();
  EXPECT_GT(half, 0.00001);
  EXPECT_LT(half, 0.000025);
  EXPECT_NEAR(of.quantile(0.99).value(), 0.5, 1e-9);
  EXPECT_DOUBLE_EQ(of.quantile(1).value(), 10);
  EXPECT_EQ(of.count, 100u);
}

TEST(DurationCounts, ReachFromTenMicrosecondsToTenSeconds) {
  EXPECT_DOUBLE_EQ(duration_bounds.front(), 0.00001);
  EXPECT_DOUBLE_EQ(duration_bounds.back(), 10);
  for (std::size_t i = 1; i != duration_bounds.size(); ++i) {
    EXPECT_GE(duration_bounds[i] / duration_bounds[i - 1], 1.99) << i;
    EXPECT_LE(duration_bounds[i] / duration_bounds[i - 1], 2.51) << i;
  }
  EXPECT_NE(bucket_of(std::chrono::milliseconds(200)), bucket_of(std::chrono::milliseconds(400)));
}

TEST(DurationCounts, AddUp) {
  duration_counts one;
  duration_counts other;
  one.add(std::chrono::milliseconds(1));
  other.add(std::chrono::seconds(2));
  one.add(other);
  EXPECT_EQ(one.count, 2u);
  EXPECT_DOUBLE_EQ(one.seconds, 2.001);
  EXPECT_EQ(one.buckets[bucket_of(std::chrono::seconds(2))], 1u);
}

}  // namespace
}  // namespace weir::test
