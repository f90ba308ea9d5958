// What is SQLite's own about its store; what all stores have in common is in
// store_contract_test.cpp.

#include "tests/keyspaces/loading.hpp"
#include "tests/keyspaces/store_backend.hpp"

#include <gmock/gmock.h>

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr const char* good_query = "SELECT body, revision FROM docs WHERE id = ?1";
constexpr const char* good_put =
    "INSERT INTO docs (id, body, revision) VALUES (?1, ?2, random()) "
    "ON CONFLICT (id) DO UPDATE SET body = excluded.body, revision = excluded.revision "
    "WHERE revision = ?3";
constexpr const char* good_delete = "DELETE FROM docs WHERE id = ?1 AND revision = ?3";

struct SqliteStoreTest : loading_test {
  sqlite_backend backend;
  std::shared_ptr<store> over = backend.open();

  sqlite_source_options options() const {
    return {.path = backend.path(), .query = good_query, .put = good_put, .erase = good_delete};
  }

  void use(sqlite_source_options with) {
    over = std::dynamic_pointer_cast<store>(make_sqlite_source(std::move(with)));
    source = over;
  }

  static std::string refusal(const sqlite_source_options& with) {
    return thrown_text<std::invalid_argument>([&] { make_sqlite_source(with); });
  }

  load_context context() { return {env, env.now() + patience, remark}; }

  result<stored> put(std::string key, bytes value, write_condition condition = {}) {
    auto work = over->async_put(std::move(key), std::move(value), std::move(condition), context());
    return asio::co_spawn(env.executor(), std::move(work), asio::use_future).get();
  }

  result<stored> erase(std::string key, write_condition condition = {}) {
    auto work = over->async_erase(std::move(key), std::move(condition), context());
    return asio::co_spawn(env.executor(), std::move(work), asio::use_future).get();
  }
};

TEST_F(SqliteStoreTest, without_statements_that_write_it_is_no_store) {
  const auto made = make_sqlite_source({.path = backend.path(), .query = good_query});
  EXPECT_EQ(std::dynamic_pointer_cast<store>(made), nullptr);
}

TEST_F(SqliteStoreTest, text_is_stored_as_text_and_other_bytes_as_a_blob) {
  use(options());
  ASSERT_TRUE(put("text", "Zoë"));
  ASSERT_TRUE(put("blob", bytes("\xff\x00z", 3)));
  ASSERT_TRUE(put("empty", ""));
  EXPECT_EQ(answer("text"), "value:Zoë");
  EXPECT_EQ(answer("blob"), std::string("value:\xff\x00z", 9));
  EXPECT_EQ(answer("empty"), "value:");
  backend.run("UPDATE docs SET body = 'is text' WHERE id = 'text' AND typeof(body) = 'text'");
  backend.run("UPDATE docs SET body = 'is blob' WHERE id = 'blob' AND typeof(body) = 'blob'");
  EXPECT_EQ(answer("text"), "value:is text");
  EXPECT_EQ(answer("blob"), "value:is blob");
}

TEST_F(SqliteStoreTest, a_text_may_be_the_revision) {
  backend.run("CREATE TABLE notes (id TEXT PRIMARY KEY, body, tag TEXT)");
  use({
      .path = backend.path(),
      .query = "SELECT body, id, tag FROM notes WHERE id = ?1",
      .put = "INSERT INTO notes VALUES (?1, ?2, hex(randomblob(8))) ON CONFLICT (id) DO UPDATE "
             "SET body = excluded.body, tag = excluded.tag WHERE tag = ?3",
      .revision = 3,
  });
  const auto first = put("a", "1");
  ASSERT_TRUE(first) << remark->text();
  EXPECT_TRUE(put("a", "2", write_condition::if_matches(first->etag)));
  EXPECT_EQ(put("a", "3", write_condition::if_matches(first->etag)).error(), errc::conflict);
  EXPECT_EQ(erase("a").error(), errc::method_not_allowed);
}

TEST_F(SqliteStoreTest, a_condition_holds_even_if_the_statement_compares_nothing) {
  auto careless = options();
  careless.put = "INSERT OR REPLACE INTO docs VALUES (?1, ?2, random())";
  careless.erase = "DELETE FROM docs WHERE id = ?1";
  use(careless);
  const auto first = put("a", "1");
  ASSERT_TRUE(put("a", "2"));
  EXPECT_EQ(put("a", "3", write_condition::if_matches(first->etag)).error(), errc::conflict);
  EXPECT_EQ(put("a", "3", write_condition::if_absent()).error(), errc::conflict);
  EXPECT_EQ(erase("a", write_condition::if_matches(first->etag)).error(), errc::conflict);
  EXPECT_EQ(backend.read("a"), "2");
}

TEST_F(SqliteStoreTest, a_locked_database_is_busy_and_nothing_is_written) {
  auto hasty = options();
  hasty.busy_timeout = 0ms;
  use(hasty);
  backend.run("BEGIN IMMEDIATE");
  EXPECT_EQ(put("a", "1").error(), errc::overloaded);
  backend.run("COMMIT");
  EXPECT_TRUE(put("a", "1"));
}

TEST_F(SqliteStoreTest, what_the_table_refuses_is_a_bad_request) {
  backend.run(
      "CREATE TRIGGER no BEFORE INSERT ON docs WHEN new.body = 'bad' BEGIN SELECT RAISE(ABORT, "
      "'never'); END"
  );
  use(options());
  EXPECT_EQ(put("a", "bad").error(), errc::bad_request);
  EXPECT_EQ(remark->text(), "never");
  EXPECT_EQ(backend.read("a"), "-");
}

TEST_F(SqliteStoreTest, a_lock_is_waited_for_and_then_told_of) {
  use(options());
  backend.run("BEGIN IMMEDIATE");
  patience = 1s;
  EXPECT_EQ(put("a", "1").error(), errc::overloaded);
  EXPECT_EQ(
      remark->text(), "the database " + backend.path().string() + " is locked by another process"
  );
  backend.run("COMMIT");
}

TEST_F(SqliteStoreTest, a_rule_on_another_column_is_no_conflict_of_versions) {
  backend.run("CREATE UNIQUE INDEX one_body ON docs (body)");
  use(options());
  ASSERT_TRUE(put("a", "x@y"));
  EXPECT_EQ(put("b", "x@y").error(), errc::bad_request);
  EXPECT_EQ(remark->text(), "UNIQUE constraint failed: docs.body");
  EXPECT_EQ(put("b", "x@y", write_condition::if_absent()).error(), errc::bad_request);
  EXPECT_EQ(put("a", "z", write_condition::if_absent()).error(), errc::conflict);
}

TEST_F(SqliteStoreTest, a_key_that_a_plain_insert_finds_taken_is_a_bad_request) {
  auto plain = options();
  plain.put = "INSERT INTO docs VALUES (?1, ?2, random())";
  use(plain);
  ASSERT_TRUE(put("a", "1"));
  EXPECT_EQ(put("a", "2").error(), errc::bad_request);
  EXPECT_EQ(put("a", "2", write_condition::if_absent()).error(), errc::conflict);
}

TEST_F(SqliteStoreTest, a_store_that_is_locked_at_the_start_works_afterwards) {
  over.reset();
  backend.run("PRAGMA journal_mode = DELETE");
  backend.run("BEGIN EXCLUSIVE");
  auto untagged = options();
  untagged.query = "SELECT body FROM docs WHERE id = ?1";
  untagged.put = "INSERT OR REPLACE INTO docs VALUES (?1, ?2, 0)";
  untagged.erase = {};
  use(untagged);
  backend.run("COMMIT");
  EXPECT_TRUE(put("a", "1")) << remark->text();
  EXPECT_EQ(put("a", "2", write_condition::if_absent()).error(), errc::method_not_allowed);
  EXPECT_EQ(answer("a"), "value:1");
}

TEST_F(SqliteStoreTest, a_put_that_keeps_the_revision_is_undone) {
  auto frozen = options();
  frozen.put = "INSERT INTO docs VALUES (?1, ?2, 1) ON CONFLICT (id) DO UPDATE SET body = ?2";
  use(frozen);
  ASSERT_TRUE(put("a", "1"));
  EXPECT_EQ(put("a", "2").error(), errc::source_failed);
  EXPECT_THAT(remark->text(), HasSubstr("another revision"));
  EXPECT_EQ(backend.read("a"), "1");
}

TEST_F(SqliteStoreTest, wrong_statements_are_refused_at_start) {
  auto wrong = options();
  wrong.put = "SELECT ?1, ?2";
  EXPECT_THAT(refusal(wrong), HasSubstr("put must change the table"));
  wrong.put = "INSERT INTO docs VALUES (?1, 'x', 1)";
  EXPECT_THAT(refusal(wrong), HasSubstr("the parameters of put must be ?1"));
  wrong.put = "INSERT INTO docs VALUES (?1, ?2, ?4)";
  EXPECT_THAT(refusal(wrong), HasSubstr("the parameters of put must be ?1"));
  wrong.put = "INSERT INTO nowhere VALUES (?1, ?2)";
  EXPECT_THAT(refusal(wrong), HasSubstr("put does not work: no such table"));
  wrong = options();
  wrong.erase = "DELETE FROM docs WHERE id = ?1 AND body = ?2";
  EXPECT_THAT(refusal(wrong), HasSubstr("the parameters of delete must be ?1"));
  wrong = options();
  wrong.query = "SELECT body FROM docs WHERE id = ?1";
  EXPECT_THAT(refusal(wrong), HasSubstr("the query has no column for it"));
  wrong = options();
  wrong.revision = 3;
  EXPECT_THAT(refusal(wrong), HasSubstr("the revision is column 3, but the query has 2"));
  EXPECT_THAT(
      refusal({.path = backend.path(), .query = good_query, .revision = 2}),
      HasSubstr("neither put nor delete")
  );
}

}  // namespace
}  // namespace weir::test
