// Loads from a real Redis.

#include "tests/keyspaces/redis/redis_test.hpp"

#include <boost/asio/detached.hpp>

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;

struct redis_source_test : redis_test {
  static std::string refusal(const redis_source_options& with) {
    return thrown_text<std::invalid_argument>([&] { make_redis_source(with); });
  }
};

TEST_F(redis_source_test, a_value_is_found_with_the_hash_of_it) {
  backend->write("42", "Ada");
  const auto got = load("42");
  ASSERT_TRUE(got) << remark->text();
  EXPECT_EQ(got->value.text(), "Ada");
  EXPECT_FALSE(got->ttl);
  ASSERT_TRUE(got->meta);
  EXPECT_EQ(got->meta->etag, server().run({"EVAL", "return redis.sha1hex('Ada')", "0"}));
  EXPECT_EQ(answer("43"), "not found");
  backend->write("empty", "");
  EXPECT_EQ(answer("empty"), "value:");
}

TEST_F(redis_source_test, the_time_that_a_key_has_left_is_told) {
  server().run({"SET", backend->name_of("a"), "1", "PX", "60000"});
  backend->write("b", "2");
  const auto one = load("a");
  ASSERT_TRUE(one);
  ASSERT_TRUE(one->ttl);
  EXPECT_LE(*one->ttl, 60s);
  EXPECT_GT(*one->ttl, 30s);
  const auto many = load_many({"b", "a", "none"});
  EXPECT_FALSE(many[0]->ttl);
  ASSERT_TRUE(many[1]->ttl);
  EXPECT_GT(*many[1]->ttl, 30s);
  EXPECT_FALSE(many[2]->ttl);
}

TEST_F(redis_source_test, a_batch_keeps_the_order_of_keys) {
  for (int i = 0; i != 50; ++i) backend->write(std::to_string(i), "v" + std::to_string(i));
  EXPECT_THAT(
      answers({"7", "nobody", "3", "7", "49"}),
      ElementsAre("value:v7", "not found", "value:v3", "value:v7", "value:v49")
  );
}

TEST_F(redis_source_test, ten_thousand_keys_are_one_round) {
  std::vector<std::string> keys, wanted, all{"MSET"};
  for (int i = 0; i != 10'001; ++i) {
    keys.push_back(std::to_string(i));
    wanted.push_back(i % 3 == 0 ? "value:v" + keys.back() : "not found");
    if (i % 3 != 0) continue;
    all.push_back(backend->name_of(keys.back()));
    all.push_back("v" + keys.back());
  }
  server().run(all);
  EXPECT_EQ(answers(keys), wanted);
}

TEST_F(redis_source_test, odd_keys_and_values_are_data_and_nothing_else) {
  const std::vector<std::string> odd{
      std::string("a\0b", 3), "\xff\xfe", "\r\n$5\r\n", "*1\r\n", " ", "{a}b", "Zoë", "%p", "\\"};
  std::vector<std::string> wanted;
  for (const auto& key : odd) {
    ASSERT_TRUE(put(key, std::string("of \0\r\n", 6) + key)) << remark->text();
    wanted.push_back("value:" + std::string("of \0\r\n", 6) + key);
  }
  EXPECT_EQ(answers(odd), wanted);
  for (std::size_t i = 0; i != odd.size(); ++i) EXPECT_EQ(answer(odd[i]), wanted[i]);
}

TEST_F(redis_source_test, what_is_no_string_fails_alone_and_is_said) {
  backend->write("a", "1");
  server().run({"RPUSH", backend->name_of("list"), "x"});
  EXPECT_EQ(answer("list"), "error: source_failed");
  EXPECT_THAT(remark->text(), HasSubstr("WRONGTYPE Operation against a key"));
  EXPECT_THAT(
      answers({"a", "list", "none"}), ElementsAre("value:1", "error: source_failed", "not found")
  );
}

TEST_F(redis_source_test, ten_mebibytes_come_and_what_is_larger_fails_alone) {
  constexpr std::size_t large = 10u << 20;
  auto with = backend->options();
  with.max_entry = large;
  use(with);
  std::string value(large, 'x');
  for (std::size_t i = 0; i < value.size(); i += 4096) value[i] = static_cast<char>(i / 4096);
  ASSERT_TRUE(put("large", value)) << remark->text();
  const auto got = load("large");
  ASSERT_TRUE(got) << remark->text();
  EXPECT_TRUE(got->value.view() == value);
  EXPECT_EQ(put("larger", value + "x").error(), errc::too_large);

  server().run({"APPEND", backend->name_of("large"), "x"});
  backend->write("small", "1");
  EXPECT_EQ(answer("large"), "error: too_large");
  EXPECT_THAT(
      answers({"small", "large", "none"}), ElementsAre("value:1", "error: too_large", "not found")
  );
}

TEST_F(redis_source_test, databases_and_prefixes_are_kept_apart) {
  auto with = backend->options();
  with.database = 3;
  use(with);
  ASSERT_TRUE(put("a", "in 3"));
  EXPECT_EQ(backend->read("a"), "-");
  with.database = 0;
  with.url += "/3";
  use(with);
  EXPECT_EQ(answer("a"), "value:in 3");
  with.url = server().url() + "/";
  with.prefix = "";
  use(with);
  backend->write("a", "in 0");
  EXPECT_EQ(answer(backend->name_of("a")), "value:in 0");
  with.database = 99;
  use(with);
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_THAT(remark->text(), HasSubstr("DB index is out of range"));
}

TEST_F(redis_source_test, a_thousand_loads_share_the_connections) {
  std::vector<std::string> all{"MSET"};
  for (int i = 0; i != 1000; ++i) {
    all.push_back(backend->name_of(std::to_string(i)));
    all.push_back("v" + std::to_string(i));
  }
  server().run(all);
  std::vector<std::future<result<loaded>>> running;
  for (int i = 0; i != 1000; ++i) running.push_back(start(std::to_string(i)));
  for (int i = 0; i != 1000; ++i) {
    const auto got = running[static_cast<std::size_t>(i)].get();
    ASSERT_TRUE(got) << remark->text();
    EXPECT_EQ(got->value.text(), "v" + std::to_string(i));
  }
  const auto clients = server().run({"CLIENT", "LIST"});
  const auto first = clients.find("name=weir");
  ASSERT_NE(first, clients.npos);
  EXPECT_EQ(clients.find("name=weir", first + 1), clients.npos);  // one loop, one connection
}

TEST_F(redis_source_test, many_loops_share_two_connections) {
  constexpr int loads = 200, writers = 4;
  for (int i = 0; i != 100; ++i) backend->write(std::to_string(i), "v" + std::to_string(i));
  std::vector<std::future<int>> running;
  {
    runtime loops({.threads = 4});
    const auto work = [&](int from) -> asio::awaitable<int> {
      int right = 0;
      for (int i = from; i != from + loads; ++i) {
        const auto key = std::to_string(i % 100);
        const load_context now{loops, loops.now() + 30s};
        const auto got = co_await source->async_load(key, now);
        right += got && got->value.text() == "v" + key ? 1 : 0;
      }
      co_return right;
    };
    for (auto* loop : loops.loops()) {
      for (int i = 0; i != writers; ++i)
        running.push_back(asio::co_spawn(*loop, work(i), asio::use_future));
    }
    for (auto& each : running) EXPECT_EQ(each.get(), loads);
    const auto clients = server().run({"CLIENT", "LIST"});
    const auto first = clients.find("name=weir"), second = clients.find("name=weir", first + 1);
    ASSERT_NE(second, clients.npos);
    EXPECT_EQ(clients.find("name=weir", second + 1), clients.npos);
  }
  EXPECT_EQ(answer("7"), "value:v7") << remark->text();  // the loops of those are gone
}

TEST_F(redis_source_test, calls_of_loops_that_end_leave_nothing_behind) {
  backend->write("a", "1");
  server().freeze();
  {
    runtime loops({.threads = 3});
    for (int round = 0; round != 2; ++round) {
      for (auto* loop : loops.loops()) {
        const load_context now{loops, loops.now() + 30s};
        asio::co_spawn(*loop, source->async_load("a", now), asio::detached);
      }
    }
  }
  server().thaw();
  EXPECT_EQ(answer("a"), "value:1") << remark->text();
}

TEST_F(redis_source_test, options_that_cannot_be_are_refused) {
  using with = redis_source_options;
  EXPECT_THAT(refusal({}), HasSubstr("needs a url"));
  EXPECT_THAT(refusal({.url = "http://127.0.0.1"}), HasSubstr("must begin with redis:// or"));
  EXPECT_THAT(refusal({.url = "redis://a:b@127.0.0.1"}), HasSubstr("has a password in it"));
  EXPECT_THAT(refusal({.url = "redis://127.0.0.1:0"}), HasSubstr("must be redis://user@host:port"));
  EXPECT_THAT(refusal({.url = "redis://127.0.0.1/x"}), HasSubstr("number of the database"));
  EXPECT_THAT(refusal({.url = "redis://127.0.0.1?x=1"}), HasSubstr("number of the database"));
  EXPECT_THAT(refusal({.url = "redis://h_!/"}), HasSubstr("is not the name of a host"));
  EXPECT_THAT(refusal({.url = "redis://db"}), HasSubstr("would be plain text"));
  EXPECT_THAT(refusal({.url = "redis://u@127.0.0.1"}), HasSubstr("and no password"));
  EXPECT_THAT(
      refusal({.url = "redis://127.0.0.1/2", .database = 3}), HasSubstr("names another database")
  );
  EXPECT_THAT(
      refusal({.url = "redis://u@127.0.0.1", .user = "v", .password = "p"}),
      HasSubstr("names another user")
  );
  EXPECT_THAT(refusal({.url = "redis://127.0.0.1", .ca = "x"}), HasSubstr("ca is for TLS"));
  EXPECT_THAT(refusal({.url = "rediss://h", .ca = "/none"}), HasSubstr("there is no file /none"));
  EXPECT_THAT(refusal({.url = "redis://127.0.0.1", .connections = 0}), HasSubstr("1 to 64"));
  EXPECT_THAT(
      refusal({.url = "redis://127.0.0.1", .expire = -1ms}), HasSubstr("expire of the redis source")
  );
  with odd{.url = "redis://127.0.0.1"};
  odd.max_entry = (512u << 20) + 1;
  EXPECT_THAT(refusal(odd), HasSubstr("over 512 MiB"));
  for (const auto* good :
       {"redis://[::1]", "redis://[::1]:7000/4", "rediss://cache.example", "redis://localhost"})
    EXPECT_NO_THROW(make_redis_source({.url = good})) << good;
  EXPECT_NO_THROW(make_redis_source({.url = "redis://db:1", .insecure = true}));
}

}  // namespace
}  // namespace weir::test
