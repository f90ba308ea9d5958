// What is Redis' own about its store; what all stores have in common is in store_contract_test.cpp.

#include "tests/keyspaces/redis/redis_test.hpp"

#include <atomic>

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct redis_store_test : redis_test {};

TEST_F(redis_store_test, conditions_hold) {
  const auto first = put("a", "1", write_condition::if_absent());
  ASSERT_TRUE(first) << remark->text();
  EXPECT_EQ(put("a", "x", write_condition::if_absent()).error(), errc::conflict);
  const auto second = put("a", "2", write_condition::if_matches(first->etag));
  ASSERT_TRUE(second) << remark->text();
  EXPECT_EQ(put("a", "x", write_condition::if_matches(first->etag)).error(), errc::conflict);
  EXPECT_EQ(load("a")->meta->etag, second->etag);
  const auto third = put("a", "3");
  ASSERT_TRUE(third) << remark->text();
  EXPECT_EQ(erase("a", write_condition::if_matches(second->etag)).error(), errc::conflict);
  EXPECT_EQ(backend->read("a"), "3");
  EXPECT_TRUE(erase("a", write_condition::if_matches(third->etag))) << remark->text();
  EXPECT_EQ(put("a", "x", write_condition::if_matches(third->etag)).error(), errc::conflict);
  EXPECT_EQ(backend->read("a"), "-");
  EXPECT_TRUE(erase("a")) << remark->text();
}

TEST_F(redis_store_test, scripts_that_the_server_forgot_are_sent_again) {
  const auto first = put("a", "1");
  server().run({"SCRIPT", "FLUSH"});
  const auto second = put("a", "2", write_condition::if_matches(first->etag));
  ASSERT_TRUE(second) << remark->text();
  server().run({"SCRIPT", "FLUSH"});
  EXPECT_TRUE(erase("a", write_condition::if_matches(second->etag))) << remark->text();
  EXPECT_EQ(backend->read("a"), "-");
}

TEST_F(redis_store_test, every_put_has_the_expiry) {
  auto with = backend->options();
  with.expire = 1h;
  use(with);
  const auto left = [&](const std::string& key) {
    return std::stoll(server().run({"PTTL", backend->name_of(key)}));
  };
  const auto plain = put("plain", "1");
  EXPECT_GT(left("plain"), 3'000'000);
  ASSERT_TRUE(put("new", "1", write_condition::if_absent()));
  EXPECT_GT(left("new"), 3'000'000);
  server().run({"PERSIST", backend->name_of("plain")});
  ASSERT_TRUE(put("plain", "2", write_condition::if_matches(plain->etag)));
  EXPECT_GT(left("plain"), 3'000'000);
  use(backend->options());
  ASSERT_TRUE(put("plain", "3"));
  EXPECT_EQ(left("plain"), -1);
}

TEST_F(redis_store_test, an_outside_change_and_back_passes_a_condition) {
  const auto first = put("a", "1");
  backend->write("a", "2");
  EXPECT_EQ(put("a", "3", write_condition::if_matches(first->etag)).error(), errc::conflict);
  backend->write("a", "1");
  EXPECT_TRUE(put("a", "3", write_condition::if_matches(first->etag)));
}

TEST_F(redis_store_test, a_key_of_another_type_is_not_changed_by_a_condition) {
  server().run({"RPUSH", backend->name_of("list"), "x"});
  const auto done = put("list", "1", write_condition::if_matches(std::string(40, '0')));
  EXPECT_EQ(done.error(), errc::source_failed);
  EXPECT_THAT(remark->text(), HasSubstr("WRONGTYPE"));
  EXPECT_EQ(put("list", "1", write_condition::if_absent()).error(), errc::conflict);
  EXPECT_EQ(server().run({"LLEN", backend->name_of("list")}), "1");
}

TEST_F(redis_store_test, conditions_hold_for_large_and_odd_values) {
  auto with = backend->options();
  with.max_entry = 10u << 20;
  use(with);
  const std::string key("a\0\r\n", 4);
  const auto first = put(key, std::string(10u << 20, '\r'));
  ASSERT_TRUE(first) << remark->text();
  const auto second = put(key, std::string("\0\xff", 2), write_condition::if_matches(first->etag));
  ASSERT_TRUE(second) << remark->text();
  EXPECT_TRUE(erase(key, write_condition::if_matches(second->etag)));
}

TEST_F(redis_store_test, increments_of_four_writers_are_all_there) {
  constexpr int writers = 4, each = 100;
  ASSERT_TRUE(put("n", "0"));
  runtime loops({.threads = 2});
  std::atomic<int> conflicts = 0;
  const auto increment = [&](std::shared_ptr<store> by) -> asio::awaitable<void> {
    for (int done = 0; done != each;) {
      const load_context now{loops, loops.now() + 30s};
      const auto found = co_await by->async_load("n", now);
      if (!found || !found->found) throw std::runtime_error("lost");
      auto next = bytes(std::to_string(std::stoi(found->value.text()) + 1));
      auto unchanged = write_condition::if_matches(found->meta->etag);
      const auto took = co_await by->async_put("n", std::move(next), std::move(unchanged), now);
      if (!took && took.error() != errc::conflict) throw std::runtime_error("failed");
      if (took) {
        ++done;
      } else {
        ++conflicts;
      }
    }
  };
  std::vector<std::future<void>> running;
  for (int i = 0; i != writers; ++i) {
    auto own = redis_backend::open(backend->options());
    running.push_back(asio::co_spawn(loops.executor(), increment(own), asio::use_future));
  }
  for (auto& writer : running) writer.get();
  EXPECT_EQ(backend->read("n"), std::to_string(writers * each));
  std::cout << "[ measured ] conflicts: " << conflicts << "\n";
}

}  // namespace
}  // namespace weir::test
