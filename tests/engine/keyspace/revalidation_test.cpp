#include "tests/engine/keyspace/cache_fixture.hpp"
#include "tests/support/waiting.hpp"

namespace weir::test {
namespace {

/// Confirms what it is shown while nothing changed, and counts who was shown what.
class confirming_source : public blocking_source {
 public:
  result<loaded> load(std::string_view, const load_context& context) override {
    const std::lock_guard lock(mutex_);
    shown_.push_back(context.former ? context.former->meta->etag : "nothing");
    if (context.former && context.former->meta->etag == tag_) {
      return loaded{.value = context.former->value, .ttl = ttl_, .meta = context.former->meta};
    }
    auto meta = std::make_shared<const metadata>(metadata{.content_type = {}, .etag = tag_});
    return loaded{.value = bytes("value of " + tag_), .ttl = ttl_, .meta = std::move(meta)};
  }

  bool revalidates() const noexcept override { return can_confirm; }

  void set(std::string tag) {
    const std::lock_guard lock(mutex_);
    tag_ = std::move(tag);
  }

  void set_ttl(milliseconds ttl) {
    const std::lock_guard lock(mutex_);
    ttl_ = ttl;
  }

  std::vector<std::string> shown() {
    const std::lock_guard lock(mutex_);
    return shown_;
  }

  std::atomic<bool> can_confirm{true};

 private:
  std::mutex mutex_;
  std::string tag_ = "v1";
  milliseconds ttl_{400};
  std::vector<std::string> shown_;
};

class RevalidationTest : public ::testing::Test {
 protected:
  using seen = std::vector<std::string>;

  std::string get() { return users_.get("1").value().text(); }

  /// Until the time of what the last get kept is over, and it was looked at by who drops such entries.
  void wait_until_expired() {
    ++expired_;
    ASSERT_TRUE(eventually([&] { return users_.stats().expired == expired_; }, 30s));
  }

  std::uint64_t expired_ = 0;

  std::shared_ptr<confirming_source> source_ = std::make_shared<confirming_source>();
  weir::cache cache_{cache_options{.runtime = {.threads = 1}}};
  keyspace users_ = cache_.add_keyspace(
      {.name = "users", .jitter = 0, .writes = writes::allow}, std::shared_ptr<data_source>(source_)
  );
};

TEST_F(RevalidationTest, ShowsTheSourceWhatItsTimeDropped) {
  EXPECT_EQ(get(), "value of v1");
  wait_until_expired();
  EXPECT_EQ(get(), "value of v1");
  wait_until_expired();
  source_->set("v2");
  EXPECT_EQ(get(), "value of v2");
  EXPECT_EQ(source_->shown(), (seen{"nothing", "v1", "v1"}));
}

TEST_F(RevalidationTest, WhatWasConfirmedIsTheResultOfThisLoad) {
  const auto first = users_.get("1").value();
  wait_until_expired();
  source_->set_ttl(1min);
  const auto confirmed = users_.get("1").value();
  EXPECT_EQ(confirmed.text(), first.text());
  EXPECT_NE(confirmed.version, first.version);
  EXPECT_EQ(confirmed.from.from, served_from::load);
  EXPECT_GT(confirmed.ttl, 50s);
  EXPECT_LT(confirmed.age, 10s);
  EXPECT_EQ(users_.get("1").value().from.from, served_from::memory);
}

TEST_F(RevalidationTest, NothingIsServedBetweenTheEndOfItsTimeAndItsConfirmation) {
  EXPECT_EQ(get(), "value of v1");
  wait_until_expired();
  EXPECT_FALSE(users_.peek("1"));
  EXPECT_EQ(users_.stats().hits, 0u);
}

TEST_F(RevalidationTest, AnInvalidatedValueIsAskedForAnew) {
  EXPECT_EQ(get(), "value of v1");
  ASSERT_TRUE(users_.invalidate("1"));
  EXPECT_EQ(get(), "value of v1");
  wait_until_expired();
  ASSERT_TRUE(users_.invalidate("1"));
  EXPECT_EQ(get(), "value of v1");
  wait_until_expired();
  ASSERT_TRUE(users_.clear());
  EXPECT_EQ(get(), "value of v1");
  EXPECT_EQ(source_->shown(), (seen{"nothing", "nothing", "nothing", "nothing"}));
}

TEST_F(RevalidationTest, ASourceThatCannotConfirmIsShownNothing) {
  source_->can_confirm = false;
  EXPECT_EQ(get(), "value of v1");
  wait_until_expired();
  EXPECT_EQ(users_.stats().entries, 0u);
  EXPECT_EQ(get(), "value of v1");
  EXPECT_EQ(source_->shown(), (seen{"nothing", "nothing"}));
}

TEST_F(RevalidationTest, WhatIsKeptForConfirmationTakesOfTheMemoryLimitAndMakesRoom) {
  const auto updated = cache_.update_keyspace(
      {.name = "users", .jitter = 0, .max_memory = 1u << 20}, std::shared_ptr<data_source>(source_)
  );
  users_ = updated.keyspace;
  for (int i = 0; i != 20'000; ++i) ASSERT_TRUE(users_.get(std::to_string(i)));
  EXPECT_LE(users_.stats().bytes, 1u << 20);
  EXPECT_GT(users_.stats().evicted, 0u);
}

}  // namespace
}  // namespace weir::test
