// A keyspace of a whole engine over a Redis that tells of its changes.

#include "keyspaces/redis/redis_feed.hpp"

#include "tests/keyspaces/redis/redis_backend.hpp"
#include "tests/support/cluster/fault_proxy.hpp"
#include "tests/support/waiting.hpp"

#include <weir/engine/engine.hpp>
#include <weir/engine/runtime.hpp>

#include <gmock/gmock.h>

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using feed_is = feed_status::state;

resp_value bulk(std::string text) {
  return {.kind = resp_kind::bulk, .text = std::move(text)};
}

resp_value list_of(resp_kind kind, std::vector<resp_value> items) {
  return {.kind = kind, .items = std::move(items)};
}

/// The keys that a push stands for; "" is everything.
std::vector<std::string> told_by(std::vector<resp_value> push, std::string_view prefix) {
  std::vector<source_change> changes;
  add_redis_changes(changes, list_of(resp_kind::push, std::move(push)), prefix);
  std::vector<std::string> out;
  for (auto& each : changes) out.push_back(std::move(each.key));
  return out;
}

TEST(redis_push_test, names_keys_behind_the_prefix_or_everything) {
  const auto keys = [](std::vector<resp_value> all) {
    return list_of(resp_kind::array, std::move(all));
  };
  EXPECT_THAT(
      told_by({bulk("invalidate"), keys({bulk("s:a"), bulk("s:"), bulk("t:a")})}, "s:"),
      ElementsAre("a", "", "")
  );
  EXPECT_THAT(told_by({bulk("invalidate"), keys({bulk("a"), bulk("")})}, ""), ElementsAre("a", ""));
  EXPECT_THAT(told_by({bulk("invalidate"), resp_value()}, "s:"), ElementsAre(""));
  EXPECT_THAT(told_by({bulk("invalidate")}, "s:"), ElementsAre(""));
  const resp_value large{.kind = resp_kind::too_large, .number = 1 << 20};
  EXPECT_THAT(told_by({bulk("invalidate"), keys({large})}, "s:"), ElementsAre(""));
  EXPECT_THAT(told_by({bulk("pubsub"), bulk("x")}, "s:"), IsEmpty());
  EXPECT_THAT(told_by({}, "s:"), IsEmpty());
}

struct redis_feed_test : ::testing::Test {
  std::unique_ptr<redis_backend> backend = std::make_unique<redis_backend>();
  runtime loops{{.threads = 2}};
  runtime proxy_loop{{.threads = 1}};
  std::unique_ptr<fault_proxy> proxy;
  engine node{loops, identity{.cluster = "", .id = "n1"}};
  keyspace rows;

  ~redis_feed_test() override { node.stop(); }

  void listen(redis_source_options with) {
    with.tracking = true;
    if (proxy) with.url = "redis://" + proxy->address();
    rows = node.add_keyspace(
        {.name = "rows", .ttl = 1h, .writes = writes::allow}, make_redis_source(with)
    );
    ASSERT_TRUE(eventually([&] { return is(feed_is::live); })) << rows.feed()->words;
  }

  void listen() { listen(backend->options()); }

  bool is(feed_is wanted) const { return rows.feed()->is == wanted; }

  std::string get(const std::string& key) {
    const auto got = rows.get(key, {.timeout = 1s});
    return got ? got->text() : std::string(name(got.error()));
  }

  /// Whether the answer is that within 2 s; reports how long it took.
  bool becomes(const std::string& key, const std::string& wanted) {
    const auto since = clock::now();
    const bool is_so = eventually([&] { return get(key) == wanted; }, 2s);
    report("a change was seen after", since);
    return is_so;
  }

  /// Another program writes it, and the node keeps it: all that is told of the write has come.
  bool keeps(const std::string& key, const std::string& value) {
    const auto told = rows.feed()->changes;
    backend->write(key, value);
    return eventually([&] { return rows.feed()->changes > told; }) && eventually([&] {
             const auto before = loads();
             return get(key) == value && loads() == before;
           });
  }

  std::uint64_t loads() const { return rows.stats().loads_value + rows.stats().loads_absent; }
};

TEST_F(redis_feed_test, a_write_of_another_program_is_seen) {
  listen();
  ASSERT_TRUE(keeps("a", "1"));
  const auto before = loads();
  get("a");
  EXPECT_EQ(loads(), before);
  backend->write("a", "2");
  EXPECT_TRUE(becomes("a", "2"));
  server().run({"APPEND", backend->name_of("a"), "3"});
  EXPECT_TRUE(becomes("a", "23"));
  server().run({"RENAME", backend->name_of("a"), backend->name_of("b")});
  EXPECT_TRUE(becomes("a", "not_found"));
  EXPECT_TRUE(becomes("b", "23"));
  backend->erase("b");
  EXPECT_TRUE(becomes("b", "not_found"));
}

TEST_F(redis_feed_test, keys_without_the_prefix_drop_nothing) {
  listen();
  ASSERT_TRUE(keeps("a", "1"));
  const auto before = loads();
  server().run({"SET", "other", "1"});
  ASSERT_TRUE(keeps("b", "1"));
  EXPECT_EQ(get("a"), "1");
  EXPECT_LE(loads(), before + 1);
  EXPECT_EQ(rows.feed()->resets, 1u);
}

TEST_F(redis_feed_test, without_a_prefix_all_keys_are_told) {
  auto with = backend->options();
  with.prefix = "";
  listen(with);
  server().run({"SET", "any", "1"});
  EXPECT_TRUE(becomes("any", "1"));
  server().run({"SET", "any", "2"});
  EXPECT_TRUE(becomes("any", "2"));
}

TEST_F(redis_feed_test, flushes_are_seen) {
  listen();
  for (const auto* how : {"FLUSHALL", "FLUSHDB"}) {
    ASSERT_TRUE(keeps("a", "1"));
    server().run({how});
    EXPECT_TRUE(becomes("a", "not_found")) << how;
  }
}

TEST_F(redis_feed_test, an_expiry_is_seen) {
  listen();
  server().run({"SET", backend->name_of("a"), "1", "PX", "300"});
  EXPECT_TRUE(becomes("a", "1"));
  EXPECT_TRUE(becomes("a", "not_found"));
  ASSERT_TRUE(keeps("b", "1"));
  server().run({"PEXPIRE", backend->name_of("b"), "50"});
  EXPECT_TRUE(becomes("b", "not_found"));
}

TEST_F(redis_feed_test, ten_thousand_changes_come) {
  listen();
  ASSERT_TRUE(keeps("last", "1"));
  const auto before = rows.feed()->changes;
  server().run(
      {"EVAL",
       "for i = 1, 10000 do redis.call('SET', ARGV[1] .. i, i) end",
       "0",
       backend->name_of("")}
  );
  EXPECT_TRUE(eventually([&] { return rows.feed()->changes >= before + 10'000; }));
  EXPECT_EQ(get("9999"), "9999");
  EXPECT_EQ(rows.feed()->resets, 1u);
}

TEST_F(redis_feed_test, an_echo_costs_no_load_and_keeps_the_version) {
  listen();
  const auto told = rows.feed()->changes;
  const auto put = rows.put("a", "mine");
  ASSERT_TRUE(put);
  ASSERT_TRUE(eventually([&] { return rows.feed()->changes > told; }));
  EXPECT_EQ(get("a"), "mine");
  EXPECT_EQ(loads(), 0u);
  put_options since;
  since.condition = precondition::if_unchanged(put->version);
  EXPECT_TRUE(rows.put("a", "mine again", since));
}

TEST_F(redis_feed_test, a_write_of_another_program_behind_an_own_one_is_seen) {
  listen();
  for (int i = 0; i != 20; ++i) {
    const auto mine = "mine " + std::to_string(i), theirs = "theirs " + std::to_string(i);
    const auto put = rows.put("a", mine);
    ASSERT_TRUE(put);
    backend->write("a", theirs);
    EXPECT_TRUE(eventually([&] { return get("a") == theirs; }, 2s));
    put_options since;
    since.condition = precondition::if_unchanged(put->version);
    EXPECT_EQ(rows.put("a", "x", since).error(), errc::conflict);
  }
}

TEST_F(redis_feed_test, many_own_writes_are_all_told_and_the_feed_stays_live) {
  listen();
  for (int i = 0; i != 300; ++i) ASSERT_TRUE(rows.put(std::to_string(i), "v" + std::to_string(i)));
  EXPECT_TRUE(eventually([&] { return rows.feed()->changes >= 300; }));
  for (int i = 0; i != 300; ++i) EXPECT_EQ(get(std::to_string(i)), "v" + std::to_string(i));
  EXPECT_EQ(loads(), 0u);
  EXPECT_EQ(rows.feed()->resets, 1u);
  ASSERT_TRUE(rows.remove("7"));
  EXPECT_EQ(get("7"), "not_found");
}

TEST_F(redis_feed_test, a_server_that_was_killed_is_heard_again) {
  listen();
  ASSERT_TRUE(keeps("a", "1"));
  server().kill();
  EXPECT_TRUE(eventually([&] { return is(feed_is::stale); }, 6s));
  EXPECT_TRUE(eventually([&] { return get("a") == "source_failed"; }, 1s));
  EXPECT_THAT(rows.feed()->words, HasSubstr("redis at 127.0.0.1:"));
  server().start();
  backend->write("a", "2");
  EXPECT_TRUE(eventually([&] { return is(feed_is::live); }));
  EXPECT_EQ(get("a"), "2");
  EXPECT_GE(rows.feed()->resets, 2u);
}

TEST_F(redis_feed_test, a_connection_that_the_server_ended_is_made_again_at_once) {
  listen();
  ASSERT_TRUE(keeps("a", "1"));
  server().run({"CLIENT", "KILL", "TYPE", "normal"});
  EXPECT_TRUE(eventually([&] { return rows.feed()->resets == 2; }, 900ms));
  EXPECT_EQ(get("a"), "1");
}

TEST_F(redis_feed_test, a_silent_link_is_left_within_its_time) {
  proxy = std::make_unique<fault_proxy>(
      *proxy_loop.loops().front(), fault_proxy_options{.target = server().address()}
  );
  listen();
  ASSERT_TRUE(keeps("a", "1"));
  const auto since = clock::now();
  for (const auto way : {direction::forth, direction::back}) proxy->set(way, {.black_hole = true});
  backend->write("a", "2");
  while (get("a") == "1" && clock::now() - since < 10s) {
  }
  report("what was kept was last served after", since);
  EXPECT_LT(clock::now() - since, 5s);
  EXPECT_TRUE(is(feed_is::stale));
  EXPECT_GT(proxy->count().bytes_lost, 0u);
  proxy->heal();
  EXPECT_TRUE(eventually([&] { return get("a") == "2" && is(feed_is::live); }, 15s));
}

TEST_F(redis_feed_test, a_frozen_server_is_not_trusted) {
  listen();
  ASSERT_TRUE(keeps("a", "1"));
  server().freeze();
  EXPECT_TRUE(eventually([&] { return is(feed_is::stale); }, 5s));
  EXPECT_TRUE(eventually([&] { return get("a") != "1"; }, 1s));
  server().thaw();
  EXPECT_TRUE(eventually([&] { return get("a") == "1" && is(feed_is::live); }, 15s));
}

TEST_F(redis_feed_test, the_rights_that_are_documented_are_enough) {
  const auto keys = "~" + backend->name_of("*");
  server().run(
      {"ACL",
       "SETUSER",
       "app",
       "on",
       ">q",
       keys,
       "+@read",
       "+@write",
       "+@connection",
       "+@scripting"}
  );
  auto with = backend->options();
  with.user = "app";
  with.password = "q";
  listen(with);
  const auto put = rows.put("a", "1");
  ASSERT_TRUE(put);
  put_options since;
  since.condition = precondition::if_unchanged(put->version);
  ASSERT_TRUE(rows.put("a", "2", since));
  EXPECT_EQ(get("a"), "2");
  ASSERT_TRUE(rows.remove("a"));
  backend->write("a", "3");
  EXPECT_TRUE(becomes("a", "3"));
  server().run({"ACL", "DELUSER", "app"});
}

TEST_F(redis_feed_test, a_user_who_may_not_track_is_told_so) {
  server().run({"ACL", "SETUSER", "quiet", "on", ">q", "~*", "+@read", "+hello"});
  auto with = backend->options();
  with.user = "quiet";
  with.password = "q";
  with.tracking = true;
  rows = node.add_keyspace({.name = "rows", .ttl = 1h}, make_redis_source(with));
  EXPECT_TRUE(eventually([&] { return !rows.feed()->words.empty(); }));
  EXPECT_THAT(rows.feed()->words, HasSubstr("NOPERM"));
  server().run({"ACL", "DELUSER", "quiet"});
}

}  // namespace
}  // namespace weir::test
