// A keyspace of a whole engine over a table that tells of its changes.

#include "keyspaces/postgres/pg_feed.hpp"
#include "tests/keyspaces/postgres/postgres_backend.hpp"
#include "tests/support/cluster/fault_proxy.hpp"
#include "tests/support/waiting.hpp"

#include <weir/engine/engine.hpp>
#include <weir/engine/runtime.hpp>

#include <gmock/gmock.h>

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using testing::HasSubstr;
using feed_is = feed_status::state;

struct told_change {
  std::string key, etag;

  friend bool operator==(const told_change&, const told_change&) = default;

  friend std::ostream& operator<<(std::ostream& to, const told_change& of) {
    return to << of.key << '/' << of.etag;
  }
};

std::vector<told_change> read_payload(std::string_view payload, pg_key_type keys) {
  std::vector<source_change> changes;
  add_pg_change(changes, payload, keys);
  std::vector<told_change> out;
  for (const auto& each : changes) out.push_back({each.key, each.etag});
  return out;
}

TEST(postgres_payload_test, is_a_key_and_what_it_may_be_of_a_bytea) {
  using enum pg_key_type;
  using all = std::vector<told_change>;
  EXPECT_EQ(read_payload("42", text), (all{{"42", ""}}));
  EXPECT_EQ(
      read_payload(
          "42\x1f"
          "770",
          text
      ),
      (all{{"42", "770"}})
  );
  EXPECT_EQ(read_payload("", text), (all{{"", ""}}));
  EXPECT_EQ(read_payload("\\x6162", text), (all{{"\\x6162", ""}}));
  EXPECT_EQ(
      read_payload(
          "\\x6162\x1f"
          "7",
          bytea
      ),
      (all{{"ab", "7"}})
  );
  EXPECT_EQ(read_payload("\\x616", bytea), (all{{"", ""}}));
  EXPECT_EQ(read_payload("ab", bytea), (all{{"", ""}}));
  EXPECT_EQ(read_payload("", bytea), (all{{"", ""}}));
  EXPECT_EQ(read_payload("\\x6162", as_stated), (all{{"ab", ""}, {"\\x6162", ""}}));
  EXPECT_EQ(read_payload("ab", as_stated), (all{{"ab", ""}}));
}

struct postgres_feed_test : ::testing::Test {
  std::unique_ptr<postgres_backend> backend = std::make_unique<postgres_backend>();
  runtime loops{{.threads = 2}};
  runtime proxy_loop{{.threads = 1}};
  std::unique_ptr<fault_proxy> proxy;
  engine node{loops, identity{.cluster = "", .id = "n1"}};
  keyspace rows;

  ~postgres_feed_test() override { node.stop(); }

  void listen(postgres_source_options with) {
    with.listen = "weir_" + backend->table();
    server().run(postgres_triggers(with));
    if (proxy) with.url = postgres_server::url_at(proxy->address());
    rows = node.add_keyspace(
        {.name = "rows", .ttl = 1h, .writes = writes::allow}, make_postgres_source(with)
    );
    ASSERT_TRUE(eventually([&] { return is(feed_is::live); })) << rows.feed()->words;
  }

  bool is(feed_is wanted) const { return rows.feed()->is == wanted; }

  std::string get(const std::string& key) {
    const auto got = rows.get(key, {.timeout = 1s});
    return got ? got->text() : std::string(name(got.error()));
  }

  /// Writes it as another program does, and keeps it here after the word of that has come.
  void keep(const std::string& key, const std::string& value) {
    const auto told = rows.feed()->changes;
    backend->write(key, value);
    ASSERT_TRUE(eventually([&] { return rows.feed()->changes > told; }));
    ASSERT_EQ(get(key), value);
  }

  /// Whether the answer is that within 2 s; reports how long it took.
  bool becomes(const std::string& key, const std::string& wanted) {
    const auto since = clock::now();
    const bool is_so = eventually([&] { return get(key) == wanted; }, 2s);
    report("a change was seen after", since);
    return is_so;
  }

  std::uint64_t loads() const { return rows.stats().loads_value + rows.stats().loads_absent; }
};

TEST_F(postgres_feed_test, a_commit_of_another_program_is_seen) {
  listen(backend->options());
  EXPECT_EQ(get("a"), "not_found");  // kept, so that only the feed can end it
  backend->write("a", "1");
  EXPECT_TRUE(becomes("a", "1"));
  get("a");
  const auto before = loads();
  get("a");
  EXPECT_EQ(loads(), before);
  backend->write("a", "2");
  EXPECT_TRUE(becomes("a", "2"));
  server().run("UPDATE " + backend->table() + " SET id = 'b' WHERE id = 'a'");
  EXPECT_TRUE(becomes("a", "not_found"));
  EXPECT_TRUE(becomes("b", "2"));
  server().run("DELETE FROM " + backend->table() + " WHERE id = 'b'");
  EXPECT_TRUE(becomes("b", "not_found"));
}

TEST_F(postgres_feed_test, a_truncate_is_seen) {
  listen(backend->options());
  backend->write("a", "1");
  EXPECT_TRUE(becomes("a", "1"));
  server().run("TRUNCATE " + backend->table());
  EXPECT_TRUE(becomes("a", "not_found"));
}

TEST_F(postgres_feed_test, a_rollback_drops_nothing) {
  listen(backend->options());
  for (const auto* key : {"a", "b"}) EXPECT_EQ(get(key), "not_found");  // kept until the feed tells
  keep("a", "1");
  server().run("BEGIN; UPDATE " + backend->table() + " SET body = '2'; ROLLBACK");
  backend->write("b", "1");
  EXPECT_TRUE(becomes("b", "1"));
  const auto before = loads();
  EXPECT_EQ(get("a"), "1");
  EXPECT_EQ(loads(), before);
}

TEST_F(postgres_feed_test, an_echo_costs_no_load_and_keeps_the_version) {
  listen(backend->options());
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

TEST_F(postgres_feed_test, a_key_of_bytes_is_named) {
  backend = std::make_unique<postgres_backend>("id bytea PRIMARY KEY, body text");
  listen(backend->options());
  const std::string key("\0\x1f\xff", 3);
  const auto change = [&](const std::string& value) {
    server().run(
        "INSERT INTO " + backend->table() + " VALUES ('\\x001fff', '" + value +
        "') ON CONFLICT (id) DO UPDATE SET body = EXCLUDED.body"
    );
  };
  change("1");
  EXPECT_TRUE(becomes(key, "1"));
  change("2");
  EXPECT_TRUE(becomes(key, "2"));
}

TEST_F(postgres_feed_test, a_server_that_was_killed_is_heard_again) {
  listen(backend->options());
  keep("a", "1");
  server().kill();
  EXPECT_TRUE(eventually([&] { return is(feed_is::stale); }, 6s));
  EXPECT_TRUE(eventually([&] { return get("a") == "source_failed"; }));
  EXPECT_THAT(rows.feed()->words, HasSubstr("postgres at 127.0.0.1:"));
  server().start();
  server().run("ALTER TABLE " + backend->table() + " DISABLE TRIGGER USER");
  backend->write("a", "2");  // missed
  EXPECT_TRUE(eventually([&] { return is(feed_is::live); }));
  EXPECT_EQ(get("a"), "2");
  EXPECT_GE(rows.feed()->resets, 2u);
}

TEST_F(postgres_feed_test, a_silent_link_is_left_within_its_time) {
  proxy = std::make_unique<fault_proxy>(
      *proxy_loop.loops().front(), fault_proxy_options{.target = server().address()}
  );
  listen(backend->options());
  keep("a", "1");
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

TEST_F(postgres_feed_test, a_frozen_server_is_not_trusted) {
  listen(backend->options());
  keep("a", "1");
  server().freeze();
  EXPECT_TRUE(eventually([&] { return is(feed_is::stale); }, 5s));
  EXPECT_TRUE(eventually([&] { return get("a") != "1"; }));  // a lone node's clock is coarse
  server().thaw();
  EXPECT_TRUE(eventually([&] { return get("a") == "1" && is(feed_is::live); }, 15s));
}

TEST_F(postgres_feed_test, triggers_can_be_installed_again) {
  auto with = backend->options();
  with.listen = "again";
  server().run(postgres_triggers(with));
  server().run(postgres_triggers(with));
  EXPECT_EQ(
      server().run(
          "SELECT count(*) FROM pg_trigger WHERE tgrelid = '" + backend->table() +
          "'::regclass AND tgname LIKE 'weir_again%'"
      ),
      "2"
  );
}

TEST_F(postgres_feed_test, a_channel_that_is_no_name_is_refused) {
  for (const auto* bad : {"two words", "quo\"te", "\x01"}) {
    auto with = backend->options();
    with.listen = bad;
    EXPECT_THROW(make_postgres_source(with), std::invalid_argument) << bad;
  }
  auto with = backend->options();
  with.listen = std::string(64, 'x');
  EXPECT_THROW(make_postgres_source(with), std::invalid_argument);
  EXPECT_THROW(postgres_triggers(backend->options()), std::invalid_argument);
}

}  // namespace
}  // namespace weir::test
