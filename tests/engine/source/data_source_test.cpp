#include <weir/engine/runtime.hpp>
#include <weir/engine/source_argument.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>

namespace weir {
namespace {

using namespace std::chrono_literals;

struct DataSourceTest : testing::Test {
  runtime env{{.threads = 2, .worker_threads = 2, .worker_threads_total = 64}};
  std::shared_ptr<source_remark> remark = std::make_shared<source_remark>();
  steady_duration patience = 1h;

  load_context context() { return {env, env.now() + patience, remark}; }

  result<loaded> load(data_source& source, std::string key) {
    return asio::co_spawn(
               env.executor(), source.async_load(std::move(key), context()), asio::use_future
    )
        .get();
  }

  std::vector<result<loaded>> load_many(data_source& source, std::vector<std::string> keys) {
    return asio::co_spawn(
               env.executor(), source.async_load_many(std::move(keys), context()), asio::use_future
    )
        .get();
  }
};

std::shared_ptr<data_source> plain(std::function<result<bytes>(std::string_view)> function) {
  return make_source(std::move(function));
}

struct upper_source : blocking_source {
  result<loaded> load(std::string_view key, const load_context&) override {
    if (key == "absent") return errc::not_found;
    if (key == "throws") throw std::runtime_error("no such table");
    return loaded{.value = "<" + std::string(key) + ">"};
  }
};

TEST_F(DataSourceTest, a_plain_function_runs_on_the_pool_and_its_value_comes_back) {
  const auto source = plain([&](std::string_view key) -> result<bytes> {
    return bytes(env.on_event_loop() ? "loop" : "pool:" + std::string(key));
  });
  EXPECT_EQ(load(*source, "a")->value.view(), "pool:a");
}

TEST_F(DataSourceTest, the_caller_goes_on_where_it_awaited) {
  const auto source = plain([](std::string_view) -> result<bytes> { return "x"; });
  for (auto* io : env.loops()) {
    auto stays = [](runtime& on, data_source& from, load_context with) -> asio::awaitable<bool> {
      const auto before = on.executor();
      co_await from.async_load("a", with);
      co_return on.on_event_loop() && on.executor() == before;
    };
    EXPECT_TRUE(asio::co_spawn(*io, stays(env, *source, context()), asio::use_future).get());
  }
}

TEST_F(DataSourceTest, the_caller_may_await_on_a_loop_of_its_own) {
  const auto source = plain([](std::string_view) -> result<bytes> { return "x"; });
  asio::io_context own;
  auto answer = asio::co_spawn(own, source->async_load("a", context()), asio::use_future);
  own.run();
  EXPECT_EQ(answer.get()->value.view(), "x");
}

TEST_F(DataSourceTest, not_found_means_absent_and_other_errors_stay) {
  const auto source = plain([](std::string_view key) -> result<bytes> {
    if (key == "absent") return errc::not_found;
    return errc::overloaded;
  });
  const auto absent = load(*source, "absent");
  ASSERT_TRUE(absent);
  EXPECT_FALSE(absent->found);
  EXPECT_EQ(load(*source, "busy").error(), errc::overloaded);
}

TEST_F(DataSourceTest, functions_may_set_ttl_and_metadata) {
  const auto source = make_source([](std::string_view) -> result<loaded> {
    return loaded{
        .value = "x", .ttl = 5s, .meta = std::make_shared<metadata>(metadata{"text/plain", ""})};
  });
  const auto answer = load(*source, "a");
  EXPECT_EQ(answer->ttl, 5s);
  EXPECT_EQ(answer->meta->content_type, "text/plain");
}

TEST_F(DataSourceTest, whatever_is_thrown_becomes_source_failed_with_its_text_kept_apart) {
  const auto standard =
      plain([](std::string_view) -> result<bytes> { throw std::runtime_error("disk on fire"); });
  EXPECT_EQ(load(*standard, "a").error(), errc::source_failed);
  EXPECT_EQ(remark->text(), "disk on fire");
  const auto other = plain([](std::string_view) -> result<bytes> { throw 42; });
  EXPECT_EQ(load(*other, "a").error(), errc::source_failed);
  EXPECT_EQ(remark->text(), "the source threw something that is no std::exception");
  const auto from_result = plain([](std::string_view) -> result<bytes> {
    return result<bytes>(errc::not_found).value();
  });
  EXPECT_EQ(load(*from_result, "a").error(), errc::source_failed);
}

TEST_F(DataSourceTest, an_awaitable_function_runs_on_the_loop_and_is_guarded_alike) {
  const auto source = make_source([&](std::string key) -> asio::awaitable<result<bytes>> {
    if (key == "absent") co_return errc::not_found;
    if (key == "throws") throw "a pointer";
    co_return bytes(env.on_event_loop() ? "loop" : "pool");
  });
  EXPECT_EQ(load(*source, "a")->value.view(), "loop");
  EXPECT_FALSE(load(*source, "absent")->found);
  EXPECT_EQ(load(*source, "throws").error(), errc::source_failed);
}

TEST_F(DataSourceTest, an_empty_function_is_refused_when_the_source_is_made) {
  EXPECT_THROW(plain({}), std::invalid_argument);
  EXPECT_THROW(
      make_source(std::function<result<loaded>(std::string_view)>()), std::invalid_argument
  );
  EXPECT_THROW(
      make_source(std::function<asio::awaitable<result<bytes>>(std::string)>()),
      std::invalid_argument
  );
}

TEST_F(DataSourceTest, takes_every_form_that_add_keyspace_takes) {
  source_argument text([](std::string_view) -> result<bytes> { return "plain"; });
  source_argument full([](std::string_view) -> result<loaded> { return loaded{.value = "full"}; });
  source_argument awaitable([](std::string) -> asio::awaitable<result<bytes>> {
    co_return bytes("awaitable");
  });
  source_argument object(std::make_shared<upper_source>());
  EXPECT_EQ(load(*std::move(text).take(), "a")->value.view(), "plain");
  EXPECT_EQ(load(*std::move(full).take(), "a")->value.view(), "full");
  EXPECT_EQ(load(*std::move(awaitable).take(), "a")->value.view(), "awaitable");
  EXPECT_EQ(load(*std::move(object).take(), "a")->value.view(), "<a>");
}

TEST_F(DataSourceTest, functions_answer_in_whatever_form_says_the_same) {
  const auto answer_of = [&](auto function, const char* key) {
    return load(*make_source(std::move(function)), key);
  };
  const auto maybe = [](std::string_view key) -> std::optional<std::string> {
    if (key == "absent") return std::nullopt;
    return "text";
  };
  EXPECT_EQ(answer_of(maybe, "a")->value.view(), "text");
  EXPECT_FALSE(answer_of(maybe, "absent")->found);
  const auto both = [](std::string_view key) -> result<std::optional<loaded>> {
    if (key == "busy") return errc::overloaded;
    if (key == "absent") return std::optional<loaded>();
    return loaded{.value = "full", .ttl = 5s};
  };
  EXPECT_EQ(answer_of(both, "a")->ttl, 5s);
  EXPECT_FALSE(answer_of(both, "absent")->found);
  EXPECT_EQ(answer_of(both, "busy").error(), errc::overloaded);
  const auto with_string = [](const std::string& key) { return key + "!"; };
  EXPECT_EQ(answer_of(with_string, "a")->value.view(), "a!");
  auto moved = [held = std::make_unique<std::string>("own")](auto) { return bytes(*held); };
  EXPECT_EQ(answer_of(std::move(moved), "a")->value.view(), "own");
}

TEST_F(DataSourceTest, awaitable_functions_answer_in_these_forms_too) {
  const auto text = make_source([](std::string_view key) -> asio::awaitable<std::string> {
    co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
    co_return std::string(key) + "?";  // the key outlives the suspension
  });
  EXPECT_EQ(
      load(*text, "a key that is longer than a small string")->value.view(),
      "a key that is longer than a small string?"
  );
  const auto maybe = make_source([](std::string key) -> asio::awaitable<std::optional<bytes>> {
    if (key == "absent") co_return std::nullopt;
    co_return bytes("there");
  });
  EXPECT_EQ(load(*maybe, "a")->value.view(), "there");
  EXPECT_FALSE(load(*maybe, "absent")->found);
}

TEST_F(DataSourceTest, a_batch_without_load_many_asks_key_by_key) {
  upper_source source;
  const auto answers = load_many(source, {"a", "absent", "throws", "b"});
  ASSERT_EQ(answers.size(), 4u);
  EXPECT_EQ(answers[0]->value.view(), "<a>");
  EXPECT_FALSE(answers[1]->found);
  EXPECT_EQ(answers[2].error(), errc::source_failed);
  EXPECT_EQ(answers[3]->value.view(), "<b>");
}

TEST_F(DataSourceTest, an_awaitable_source_answers_batches_key_by_key_too) {
  const auto source = make_source([](std::string key) -> asio::awaitable<result<bytes>> {
    if (key == "absent") co_return errc::not_found;
    co_return bytes(key + "!");
  });
  const auto answers = load_many(*source, {"a", "absent"});
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0]->value.view(), "a!");
  EXPECT_FALSE(answers[1]->found);
}

TEST_F(DataSourceTest, a_batch_that_throws_or_miscounts_fails_as_a_whole) {
  struct bad_batch : upper_source {
    std::vector<result<loaded>> load_many(const std::vector<std::string>& keys, const load_context&)
        override {
      if (keys[0] == "throws") throw 1;
      return {loaded{.value = "only one"}};
    }

    bool is_batched() const noexcept override { return true; }
  } source;

  for (const char* first : {"throws", "short"}) {
    const auto answers = load_many(source, {first, "b", "c"});
    ASSERT_EQ(answers.size(), 3u);
    for (const auto& answer : answers) EXPECT_EQ(answer.error(), errc::source_failed);
  }
  EXPECT_EQ(remark->text(), "load_many() gave 1 answers for 3 keys");
}

TEST_F(DataSourceTest, a_call_whose_deadline_has_passed_is_not_made) {
  std::atomic<int> calls{0};
  const auto source = plain([&](std::string_view) -> result<bytes> {
    ++calls;
    return "x";
  });
  patience = -1s;
  EXPECT_EQ(load(*source, "a").error(), errc::deadline_exceeded);
  EXPECT_EQ(load_many(*source, {"a", "b"})[1].error(), errc::deadline_exceeded);
  EXPECT_EQ(calls, 0);
}

/// A source that loads from itself, `depth` times, with a blocking call each time.
struct nested_source : blocking_source {
  explicit nested_source(runtime& on) : env(on) {}

  result<loaded> load(std::string_view key, const load_context& context) override {
    const int depth = std::stoi(std::string(key));
    if (depth == 0) return loaded{.value = "bottom"};
    auto next = asio::co_spawn(
        env.executor(), async_load(std::to_string(depth - 1), context), asio::use_future
    );
    env.begin_wait();
    auto answer = next.get();
    env.end_wait();
    return answer;
  }

  runtime& env;
};

TEST_F(DataSourceTest, nested_loads_may_go_deeper_than_the_pool_has_threads) {
  nested_source source(env);
  EXPECT_EQ(load(source, "40")->value.view(), "bottom");
}

TEST_F(DataSourceTest, nested_loads_beyond_every_thread_end_as_overloaded) {
  nested_source source(env);
  EXPECT_EQ(load(source, "100").error(), errc::overloaded);
  EXPECT_EQ(load(source, "10")->value.view(), "bottom");
}

TEST_F(DataSourceTest, a_thousand_loads_at_once_are_all_answered) {
  const auto source = plain([](std::string_view key) -> result<bytes> { return bytes(key); });
  std::vector<std::future<result<loaded>>> answers;
  for (int i = 0; i < 1000; ++i) {
    answers.push_back(asio::co_spawn(
        env.executor(), source->async_load(std::to_string(i), context()), asio::use_future
    ));
  }
  for (int i = 0; i < 1000; ++i)
    EXPECT_EQ(answers[static_cast<std::size_t>(i)].get()->value.view(), std::to_string(i));
}

TEST_F(DataSourceTest, stopping_with_loads_in_progress_keeps_the_source_alive_until_they_ended) {
  auto mine = std::make_unique<runtime>(runtime_options{
      .threads = 2, .worker_threads = 2, .worker_threads_total = 64});
  const auto begin = [&](data_source& source, const char* key) {
    const load_context with{*mine, mine->now() + 1h, remark};
    return asio::co_spawn(mine->executor(), source.async_load(key, with), asio::use_future);
  };
  std::promise<void> running, open;
  auto gate = open.get_future().share();
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> by_the_source = held;
  auto source = plain([&running, gate, held = std::move(held)](std::string_view key) {
    if (key == "first") running.set_value();
    gate.wait();
    return result<bytes>("x");
  });
  std::vector<std::future<result<loaded>>> answers;
  answers.push_back(begin(*source, "first"));
  running.get_future().get();
  for (int i = 0; i < 10; ++i) answers.push_back(begin(*source, "more"));
  for (auto* io : mine->loops()) {
    std::promise<void> all_began;
    asio::post(*io, [&] { all_began.set_value(); });
    all_began.get_future().get();
  }
  source.reset();
  EXPECT_FALSE(by_the_source.expired()) << "a load runs in it";
  auto stopping = std::async(std::launch::async, [&] { mine->stop(); });
  open.set_value();
  stopping.get();
  mine.reset();
  EXPECT_TRUE(by_the_source.expired());
}

TEST(SourceRemarkTest, keeps_only_the_beginning_of_a_long_text) {
  source_remark remark;
  remark.say(std::string(5000, 'x'));
  EXPECT_EQ(remark.text().size(), source_remark::max_text);
  remark.say("short");
  EXPECT_EQ(remark.text(), "short");
}

}  // namespace
}  // namespace weir
