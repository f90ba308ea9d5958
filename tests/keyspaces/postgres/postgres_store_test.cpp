// What is PostgreSQL's own about its store; what all stores have in common is in
// store_contract_test.cpp.

#include "tests/keyspaces/postgres/postgres_test.hpp"

#include <atomic>

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct postgres_store_test : postgres_test {
  /// Statements of one's own, with a revision from a sequence.
  postgres_source_options own_statements() {
    use_table("id text PRIMARY KEY, body text, rev bigint");
    server().run("CREATE SEQUENCE IF NOT EXISTS revs");
    return {
        .url = server().url(),
        .password = postgres_server::password,
        .query = "SELECT id, body, rev FROM " + table() + " WHERE id = ANY($1)",
        .create = "INSERT INTO " + table() +
                  " VALUES ($1, $2, nextval('revs')) ON CONFLICT DO NOTHING RETURNING rev",
        .update = "UPDATE " + table() +
                  " SET body = $2, rev = nextval('revs') WHERE id = $1 AND rev = $3 RETURNING rev",
        .put = "INSERT INTO " + table() +
               " VALUES ($1, $2, nextval('revs')) ON CONFLICT (id) DO UPDATE SET body = $2, "
               "rev = nextval('revs') RETURNING rev",
        .erase = "DELETE FROM " + table() + " WHERE id = $1 AND (rev = $3 OR $3 IS NULL)",
    };
  }

  /// What every store promises, of the one in use.
  void expect_conditions_hold() {
    const auto first = put("a", "1", write_condition::if_absent());
    ASSERT_TRUE(first) << remark->text();
    EXPECT_EQ(put("a", "x", write_condition::if_absent()).error(), errc::conflict);
    const auto second = put("a", "2", write_condition::if_matches(first->etag));
    ASSERT_TRUE(second) << remark->text();
    EXPECT_EQ(put("a", "x", write_condition::if_matches(first->etag)).error(), errc::conflict);
    EXPECT_EQ(load("a")->meta->etag, second->etag);
    const auto third = put("a", "3");
    ASSERT_TRUE(third) << remark->text();
    EXPECT_NE(third->etag, second->etag);
    EXPECT_EQ(erase("a", write_condition::if_matches(second->etag)).error(), errc::conflict);
    EXPECT_EQ(backend->read("a"), "3");
    EXPECT_TRUE(erase("a", write_condition::if_matches(third->etag))) << remark->text();
    EXPECT_EQ(put("a", "x", write_condition::if_matches(third->etag)).error(), errc::conflict);
    EXPECT_EQ(backend->read("a"), "-");
    EXPECT_TRUE(erase("a")) << remark->text();
  }
};

TEST_F(postgres_store_test, conditions_hold_by_xmin) {
  expect_conditions_hold();
}

TEST_F(postgres_store_test, conditions_hold_by_a_column_of_numbers) {
  use_table("id text PRIMARY KEY, body text, rev bigint NOT NULL", "rev");
  expect_conditions_hold();
}

TEST_F(postgres_store_test, conditions_hold_by_a_column_of_text) {
  use_table("id text PRIMARY KEY, body text, rev text", "rev");
  expect_conditions_hold();
}

TEST_F(postgres_store_test, conditions_hold_by_statements_of_ones_own) {
  use(own_statements());
  expect_conditions_hold();
}

TEST_F(postgres_store_test, a_row_without_value_is_absent_and_filled) {
  server().run("INSERT INTO " + table() + " VALUES ('a', NULL)");
  const auto revision = server().run("SELECT xmin FROM " + table());
  EXPECT_EQ(put("a", "x", write_condition::if_matches(revision)).error(), errc::conflict);
  EXPECT_EQ(erase("a", write_condition::if_matches(revision)).error(), errc::conflict);
  EXPECT_TRUE(put("a", "1", write_condition::if_absent())) << remark->text();
  EXPECT_EQ(backend->read("a"), "1");
}

TEST_F(postgres_store_test, what_the_table_refuses_is_a_bad_request_in_its_words) {
  use_table("id text PRIMARY KEY, body text UNIQUE CHECK (body <> 'bad')");
  EXPECT_EQ(put("a", "bad").error(), errc::bad_request);
  EXPECT_THAT(remark->text(), HasSubstr("violates check constraint"));
  ASSERT_TRUE(put("a", "one"));
  EXPECT_EQ(put("b", "one").error(), errc::bad_request);
  EXPECT_EQ(put("b", "one", write_condition::if_absent()).error(), errc::bad_request);
  EXPECT_EQ(backend->read("b"), "-");
}

TEST_F(postgres_store_test, what_fails_at_the_commit_is_no_success) {
  server().run("CREATE TABLE owners (id text PRIMARY KEY)");
  use_table("id text PRIMARY KEY, body text REFERENCES owners DEFERRABLE INITIALLY DEFERRED");
  EXPECT_EQ(put("a", "nobody").error(), errc::bad_request);
  EXPECT_EQ(backend->read("a"), "-");
  server().run("INSERT INTO owners VALUES ('ada')");
  EXPECT_TRUE(put("a", "ada")) << remark->text();
  backend.reset();
  server().run("DROP TABLE owners");
}

TEST_F(postgres_store_test, a_trigger_may_say_no) {
  server().run(
      "CREATE OR REPLACE FUNCTION never() RETURNS trigger LANGUAGE plpgsql AS "
      "$$ BEGIN RAISE EXCEPTION 'not today'; END $$"
  );
  server().run(
      "CREATE TRIGGER no BEFORE INSERT ON " + table() + " FOR EACH ROW EXECUTE FUNCTION never()"
  );
  EXPECT_EQ(put("a", "1").error(), errc::bad_request);
  EXPECT_THAT(remark->text(), HasSubstr("not today"));
}

TEST_F(postgres_store_test, what_is_not_there_to_be_done_is_not_allowed) {
  auto with = own_statements();
  with.put.clear();
  with.erase.clear();
  use(with);
  EXPECT_EQ(put("a", "1").error(), errc::method_not_allowed);
  EXPECT_EQ(erase("a").error(), errc::method_not_allowed);
  EXPECT_TRUE(put("a", "1", write_condition::if_absent())) << remark->text();
}

TEST_F(postgres_store_test, statements_that_cannot_be_are_not_run) {
  auto with = own_statements();
  with.put = "UPDATE " + table() + " SET body = $2 WHERE id = $1";
  with.update = "UPDATE " + table() + " SET body = $2 WHERE id = $1 RETURNING rev";
  use(with);
  backend->write("a", "1");
  EXPECT_EQ(put("a", "2").error(), errc::source_failed);
  EXPECT_THAT(remark->text(), HasSubstr("put does not tell the new revision"));
  EXPECT_EQ(put("a", "2", write_condition::if_matches("1")).error(), errc::source_failed);
  EXPECT_THAT(remark->text(), HasSubstr("update does not compare the revision"));
  EXPECT_EQ(backend->read("a"), "1");
}

TEST_F(postgres_store_test, a_table_without_the_unique_key_takes_no_put) {
  use_table("id text, body text");
  EXPECT_EQ(put("a", "1").error(), errc::source_failed);
  EXPECT_THAT(remark->text(), HasSubstr("no unique or exclusion constraint"));
}

TEST_F(postgres_store_test, increments_of_four_writers_are_all_there) {
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
    auto own = postgres_backend::open(backend->options());
    running.push_back(asio::co_spawn(loops.executor(), increment(own), asio::use_future));
  }
  for (auto& writer : running) writer.get();
  EXPECT_EQ(backend->read("n"), std::to_string(writers * each));
  std::cout << "[ measured ] conflicts: " << conflicts << "\n";
}

}  // namespace
}  // namespace weir::test
