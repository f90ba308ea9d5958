// A keyspace whose source tells of its own changes, on a node that is alone.
#include "tests/engine/keyspace/sim_fixture.hpp"

#include <weir/engine/change_feed.hpp>
#include <weir/engine/store.hpp>

namespace weir::sim {
namespace {

/// A feed that says what the test wants it to.
class spoken_feed final : public change_feed {
 public:
  spoken_feed(sim_environment& env, feed_loss loss) : env_(env), loss_(loss) {}

  asio::awaitable<error> async_run(change_sink& to, load_context) override {
    ++connections;
    sink = &to;
    auto wait = [this](auto handler) { end_ = std::move(handler); };
    co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(wait, asio::use_awaitable);
    sink = nullptr;
    co_return error(errc::source_failed, error_context{.remark = "the test cut it"});
  }

  void cut() override {
    if (end_) env_.run_at(env_.world().now(), std::exchange(end_, {}));
  }

  feed_loss when_lost() const noexcept override { return loss_; }

  void tell(const std::string& key, const std::string& etag = {}) {
    const source_change change{.key = key, .etag = etag};
    sink->apply({&change, 1});
  }

  change_sink* sink = nullptr;  // while connected
  int connections = 0;

 private:
  sim_environment& env_;
  const feed_loss loss_;
  completion<> end_;
};

/// A store of rows with etags, whose writes and loads take 10 ms and happen after 5.
class row_store final : public store {
 public:
  row_store(sim_environment& env, feed_loss loss)
      : feed(std::make_shared<spoken_feed>(env, loss)), env_(env) {}

  asio::awaitable<result<loaded>> async_load(std::string key, load_context) override {
    ++loads;
    co_await pause();
    const auto row = rows[key];
    co_await pause();
    if (row.etag.empty()) co_return loaded{.found = false};
    auto meta = std::make_shared<const metadata>(metadata{.etag = row.etag});
    co_return loaded{.value = bytes(row.value), .meta = std::move(meta)};
  }

  asio::awaitable<result<stored>> async_put(
      std::string key, bytes value, write_condition condition, load_context
  ) override {
    co_await pause();
    auto& row = rows[key];
    if (condition.when == write_condition::kind::matches && condition.etag != row.etag)
      co_return errc::conflict;
    const auto etag = change(key, std::string(value.text()));
    co_await pause();
    co_return stored{etag};
  }

  asio::awaitable<result<stored>> async_erase(std::string key, write_condition, load_context)
      override {
    co_await pause();
    rows.erase(key);
    co_return stored();
  }

  std::shared_ptr<change_feed> changes() override { return feed; }

  /// As if another program did it; returns the new etag.
  std::string change(const std::string& key, std::string value) {
    rows[key] = {std::move(value), "r" + std::to_string(++revision_)};
    return rows[key].etag;
  }

  struct row {
    std::string value, etag;
  };

  std::map<std::string, row> rows;
  int loads = 0;
  const std::shared_ptr<spoken_feed> feed;

 private:
  asio::awaitable<void> pause() {
    auto wait = [this](auto handler) { env_.run_at(env_.world().now() + 5ms, std::move(handler)); };
    co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(wait, asio::use_awaitable);
  }

  sim_environment& env_;
  int revision_ = 0;
};

class SourceFeed : public ::testing::Test {
 protected:
  explicit SourceFeed(feed_loss loss = feed_loss::pass)
      : store_(std::make_shared<row_store>(node_.env(), loss)) {
    auto options = lone_node::usual();
    options.name = "rows";
    node_.on = node_.engine->add_keyspace(options, store_);
    store_->change("a", "old");
    node_.env().run([] {});  // the feed connects
  }

  /// The source has confirmed that it tells of changes, and goes on to say that it lives.
  void go_live() {
    store_->feed->sink->reset();
    beat_.emplace([this] { beat(); });
    (*beat_)();
  }

  void go_silent() { beat_.reset(); }

  std::string text(const std::string& key) { return node_.text(key); }

  feed_status status() { return node_.on.feed().value(); }

  lone_node node_;
  std::shared_ptr<row_store> store_;

 private:
  void beat() {
    if (!beat_ || store_->feed->sink == nullptr) return;
    store_->feed->sink->alive(node_.env().now());
    node_.env().run_at(node_.env().world().now() + 1s, [this] { beat(); });
  }

  std::optional<std::function<void()>> beat_;
};

TEST_F(SourceFeed, KeepsNothingBeforeTheFeedIsLive) {
  EXPECT_EQ(text("a"), "old");
  EXPECT_EQ(text("a"), "old");
  EXPECT_EQ(store_->loads, 2);
  EXPECT_EQ(status().is, feed_status::state::connecting);
  go_live();
  EXPECT_EQ(status().is, feed_status::state::live);
  EXPECT_EQ(text("a"), "old");
  EXPECT_EQ(text("a"), "old");
  EXPECT_EQ(store_->loads, 3);
}

TEST_F(SourceFeed, AChangeThatIsToldDropsTheKeyAlone) {
  go_live();
  store_->change("b", "b");
  text("a");
  text("b");
  store_->change("a", "new");
  EXPECT_EQ(text("a"), "old");
  store_->feed->tell("a");
  EXPECT_EQ(text("a"), "new");
  EXPECT_EQ(text("b"), "b");
  EXPECT_EQ(store_->loads, 3);
  EXPECT_EQ(status().changes, 1u);
}

TEST_F(SourceFeed, AKeyThatNobodyCanNameStandsForAll) {
  go_live();
  text("a");
  for (const auto& nobody : {std::string(), std::string(5'000, 'x')}) {
    const int before = store_->loads;
    store_->feed->tell(nobody);
    text("a");
    EXPECT_EQ(store_->loads, before + 1);
  }
}

TEST_F(SourceFeed, AResetDropsWhatIsKeptAndWhatIsBeingLoaded) {
  go_live();
  text("a");
  std::optional<result<lookup>> running;
  start_on(node_.env(), node_.on.async_find("c"), running);
  node_.run_for(7ms);  // read, not yet answered
  store_->change("c", "new");
  store_->feed->sink->reset();
  node_.run_for(100ms);
  EXPECT_FALSE(running.value()->found);
  EXPECT_EQ(text("c"), "new");
  const int before = store_->loads;
  text("a");
  EXPECT_EQ(store_->loads, before + 1);
}

TEST_F(SourceFeed, AWordDuringALoadOvertakesIt) {
  go_live();
  std::optional<result<lookup>> running;
  start_on(node_.env(), node_.on.async_find("a"), running);
  node_.run_for(7ms);
  store_->change("a", "new");
  store_->feed->tell("a");
  node_.run_for(100ms);
  EXPECT_EQ(running.value()->entry.text(), "old");
  EXPECT_EQ(text("a"), "new");
}

TEST_F(SourceFeed, ReadsPassThroughWhileItIsSilentAndTheConnectionIsCut) {
  go_live();
  text("a");
  go_silent();
  node_.run_for(2'900ms);
  EXPECT_EQ(text("a"), "old");
  EXPECT_EQ(store_->loads, 1);
  node_.run_for(2s);
  EXPECT_EQ(status().is, feed_status::state::stale);
  store_->change("a", "new");
  EXPECT_EQ(text("a"), "new");
  EXPECT_EQ(text("a"), "new");
  EXPECT_EQ(store_->loads, 3);
  EXPECT_EQ(status().words, "the test cut it");
  node_.run_for(5s);
  EXPECT_GE(store_->feed->connections, 2);
  go_live();
  text("a");
  text("a");
  EXPECT_EQ(store_->loads, 4);
  EXPECT_GE(status().resets, 2u);
}

TEST_F(SourceFeed, AWordToANodeThatStoodStillIsOld) {
  go_live();
  text("a");
  go_silent();
  const auto asked = node_.env().now();
  node_.run_for(10s);
  if (store_->feed->sink != nullptr) store_->feed->sink->alive(asked);
  EXPECT_EQ(status().is, feed_status::state::stale);
}

class LaxSourceFeed : public SourceFeed {
 protected:
  LaxSourceFeed() : SourceFeed(feed_loss::serve) {}
};

TEST_F(LaxSourceFeed, ServesMarkedAsStaleWhileItIsSilent) {
  go_live();
  text("a");
  EXPECT_EQ(node_.get("a")->from.detail, served_detail::none);
  go_silent();
  node_.run_for(10s);
  const auto got = node_.get("a");
  EXPECT_EQ(got->text(), "old");
  EXPECT_EQ(got->from.detail, served_detail::stale);
  EXPECT_EQ(store_->loads, 1);
}

// ---- its own writes

TEST_F(SourceFeed, TheEchoOfAWriteWithItsRevisionChangesNothing) {
  go_live();
  const auto put = node_.put("a", "mine");
  ASSERT_TRUE(put);
  store_->feed->tell("a", store_->rows["a"].etag);
  EXPECT_EQ(text("a"), "mine");
  EXPECT_EQ(store_->loads, 0);
  EXPECT_TRUE(node_.put_if("a", "mine again", put->version));
}

TEST_F(SourceFeed, AnEchoWithoutARevisionCostsALoad) {
  go_live();
  ASSERT_TRUE(node_.put("a", "mine"));
  store_->feed->tell("a");
  EXPECT_EQ(text("a"), "mine");
  EXPECT_EQ(store_->loads, 1);
}

// Own commit, foreign commit, foreign word, own answer.
TEST_F(SourceFeed, AForeignChangeBetweenAWriteAndItsAnswerIsNotCovered) {
  go_live();
  std::optional<result<change_result>> put;
  start_on(node_.env(), node_.on.async_put("a", bytes(std::string("mine"))), put);
  node_.run_for(7ms);  // written, not yet answered
  ASSERT_EQ(store_->rows["a"].value, "mine");
  store_->feed->tell("a", store_->rows["a"].etag);
  store_->feed->tell("a", store_->change("a", "foreign"));
  node_.run_for(100ms);
  ASSERT_TRUE(put.value());
  EXPECT_EQ(text("a"), "foreign");
}

TEST_F(SourceFeed, AForeignChangeBeforeAWriteIsCoveredByIt) {
  go_live();
  std::optional<result<change_result>> put;
  const auto foreign = store_->change("a", "foreign");
  start_on(node_.env(), node_.on.async_put("a", bytes(std::string("mine"))), put);
  node_.run_for(7ms);
  store_->feed->tell("a", foreign);
  store_->feed->tell("a", store_->rows["a"].etag);
  node_.run_for(100ms);
  ASSERT_TRUE(put.value());
  EXPECT_EQ(text("a"), "mine");
  EXPECT_EQ(store_->loads, 0);
}

TEST_F(SourceFeed, AResetDuringAWriteIsNotCovered) {
  go_live();
  std::optional<result<change_result>> put;
  start_on(node_.env(), node_.on.async_put("a", bytes(std::string("mine"))), put);
  node_.run_for(7ms);
  store_->change("a", "foreign");
  store_->feed->sink->reset();
  node_.run_for(100ms);
  ASSERT_TRUE(put.value());
  EXPECT_EQ(text("a"), "foreign");
}

TEST_F(SourceFeed, AKeyspaceThatIsReplacedListensAnew) {
  go_live();
  text("a");
  auto options = lone_node::usual();
  options.name = "rows";
  const auto other = std::make_shared<row_store>(node_.env(), feed_loss::pass);
  other->change("a", "elsewhere");
  node_.engine->update_keyspace(options, other);
  node_.run_for(100ms);
  EXPECT_EQ(store_->feed->sink, nullptr);
  ASSERT_NE(other->feed->sink, nullptr);
  EXPECT_EQ(text("a"), "elsewhere");
}

}  // namespace
}  // namespace weir::sim
