// Single loads of a source that takes several keys travel together.
#include "tests/engine/keyspace/sim_fixture.hpp"

#include <algorithm>

namespace weir::sim {
namespace {

/// Takes 1 ms for each call, and notes how many keys that had.
class table_source final : public data_source {
 public:
  explicit table_source(sim_environment& env) : env_(env) {}

  asio::awaitable<result<loaded>> async_load(std::string key, load_context) override {
    calls.push_back(1);
    co_await pause();
    co_return loaded{.value = bytes(key)};
  }

  asio::awaitable<std::vector<result<loaded>>> async_load_many(
      std::vector<std::string> keys, load_context
  ) override {
    calls.push_back(keys.size());
    co_await pause();
    std::vector<result<loaded>> out;
    for (auto& key : keys) {
      if (key == "bad")
        out.emplace_back(errc::source_failed);
      else
        out.emplace_back(loaded{.found = key != "none", .value = bytes(key)});
    }
    co_return out;
  }

  bool is_batched() const noexcept override { return true; }

  std::vector<std::size_t> calls;

 private:
  asio::awaitable<void> pause() {
    auto wait = [this](auto handler) { env_.run_at(env_.world().now() + 1ms, std::move(handler)); };
    co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(wait, asio::use_awaitable);
  }

  sim_environment& env_;
};

class Gather : public ::testing::Test {
 protected:
  void use(load_limits limits) {
    on_ = node_.engine->update_keyspace({.name = "rows", .loads = limits}, source_).keyspace;
  }

  /// The answers to single gets that begin at the same time.
  std::vector<result<lookup>> get_each(const std::vector<std::string>& keys) {
    std::vector<std::optional<result<lookup>>> waiting(keys.size());
    for (std::size_t i = 0; i != keys.size(); ++i) {
      start_on(node_.env(), on_.async_find(keys[i], {.timeout = 10s}), waiting[i]);
    }
    node_.run_for(10s);
    std::vector<result<lookup>> out;
    for (auto& each : waiting) out.push_back(each.value());
    return out;
  }

  static std::vector<std::string> keys(std::size_t count) {
    std::vector<std::string> out;
    for (std::size_t i = 0; i != count; ++i) out.push_back("key" + std::to_string(i));
    return out;
  }

  static bool are_answers(const std::vector<result<lookup>>& all) {
    return std::all_of(all.begin(), all.end(), [](const auto& each) { return bool(each); });
  }

  lone_node node_;
  std::shared_ptr<table_source> source_ = std::make_shared<table_source>(node_.env());
  keyspace on_ = node_.engine->add_keyspace({.name = "rows"}, source_);
};

TEST_F(Gather, AThousandColdKeysTakeEightCallsAtMost) {
  const auto answers = get_each(keys(1000));
  for (std::size_t i = 0; i != answers.size(); ++i) {
    ASSERT_TRUE(answers[i]) << i;
    EXPECT_EQ(answers[i]->entry.text(), "key" + std::to_string(i));
  }
  const auto& calls = source_->calls;
  EXPECT_LE(calls.size(), 8u);
  EXPECT_LE(*std::max_element(calls.begin(), calls.end()), 256u);
  EXPECT_EQ(on_.stats().loads_value, 1000u);
  EXPECT_EQ(on_.stats().refused_overloaded, 0u);
}

TEST_F(Gather, AKeyThatComesAloneIsAskedForAlone) {
  EXPECT_TRUE(are_answers(get_each({"one"})));
  EXPECT_TRUE(are_answers(get_each({"two"})));
  EXPECT_EQ(source_->calls, (std::vector<std::size_t>{1, 1}));
  EXPECT_EQ(on_.stats().source_batches, 0u);
}

TEST_F(Gather, CallersOfOneKeyJoinItsLoad) {
  EXPECT_TRUE(are_answers(get_each(std::vector<std::string>(50, "same"))));
  EXPECT_EQ(source_->calls, std::vector<std::size_t>{1});
}

TEST_F(Gather, ABadKeyAndAnAbsentOneSpoilNoOther) {
  auto asked = keys(20);
  asked.insert(asked.begin() + 5, {"bad", "none"});
  const auto answers = get_each(asked);
  for (std::size_t i = 0; i != asked.size(); ++i) {
    EXPECT_EQ(bool(answers[i]), asked[i] != "bad") << asked[i];
    if (asked[i] != "bad") {
      EXPECT_EQ(answers[i]->found, asked[i] != "none") << asked[i];
    }
  }
}

TEST_F(Gather, WithABatchOfOneEachGoesAlone) {
  use({.batch = 1});
  get_each(keys(10));
  EXPECT_EQ(source_->calls, std::vector<std::size_t>(10, 1));
}

TEST_F(Gather, TheLimitOfLoadsCountsCalls) {
  use({.concurrent = 2, .queue = 4});
  EXPECT_TRUE(are_answers(get_each(keys(500))));
}

}  // namespace
}  // namespace weir::sim
