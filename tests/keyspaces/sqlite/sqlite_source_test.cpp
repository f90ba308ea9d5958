#include "tests/keyspaces/loading.hpp"

#include <weir/keyspaces/make_sources.hpp>

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

namespace weir {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using namespace std::string_literals;

/// A writable connection, for the test's side of the database.
class writer {
 public:
  explicit writer(const fs::path& path) {
    EXPECT_EQ(sqlite3_open(path.c_str(), &database_), SQLITE_OK);
  }

  ~writer() { sqlite3_close(database_); }

  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;

  void run(const std::string& sql) {
    char* problem = nullptr;
    EXPECT_EQ(sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, &problem), SQLITE_OK)
        << (problem ? problem : "") << " in " << sql;
    sqlite3_free(problem);
  }

 private:
  sqlite3* database_ = nullptr;
};

constexpr const char* all_values = "SELECT v FROM t WHERE k = ?1";

struct SqliteSourceTest : loading_test {
  test::scratch_folder folder;
  fs::path path = folder / "test.db";

  void SetUp() override {
    make(path, "Ada");
    use({.path = path, .query = all_values, .max_entry = 2'000'000});
  }

  static void make(const fs::path& at, const std::string& name) {
    writer db(at);
    db.run("CREATE TABLE t (k TEXT PRIMARY KEY, v)");
    db.run("CREATE TABLE n (id INTEGER PRIMARY KEY, v)");
    db.run(
        "INSERT INTO t VALUES ('a', '" + name +
        "'), ('null', NULL), ('number', 42), ('real', 1.5), ('empty', '')"
    );
    db.run(
        "INSERT INTO t VALUES ('blob', x'00ff0d0a'), ('empty blob', x''), (CAST(x'610062' AS "
        "TEXT), 'nul')"
    );
    db.run("INSERT INTO n VALUES (7, 'seven')");
  }

  void use(sqlite_source_options options) { source = make_sqlite_source(std::move(options)); }

  std::string refusal(std::string query) {
    return thrown_text<std::invalid_argument>([&] {
      make_sqlite_source({.path = path, .query = query});
    });
  }
};

TEST_F(SqliteSourceTest, the_first_column_of_the_first_row_is_the_value) {
  EXPECT_EQ(answer("a"), "value:Ada");
  use({.path = path, .query = "SELECT v, k FROM t WHERE v IS NOT NULL AND k >= ?1 ORDER BY k DESC"}
  );
  EXPECT_EQ(answer("real"), "value:1.5");
}

TEST_F(SqliteSourceTest, no_row_and_null_are_not_found) {
  EXPECT_EQ(answer("missing"), "not found");
  EXPECT_EQ(answer("null"), "not found");
}

TEST_F(SqliteSourceTest, text_numbers_and_blobs_come_as_bytes) {
  EXPECT_EQ(answer("number"), "value:42");
  EXPECT_EQ(answer("real"), "value:1.5");
  EXPECT_EQ(answer("blob"), "value:\0\xff\r\n"s);
  EXPECT_EQ(answer("empty"), "value:");
  EXPECT_EQ(answer("empty blob"), "value:");
}

TEST_F(SqliteSourceTest, keys_are_bound_as_text_of_any_bytes_and_never_as_sql) {
  EXPECT_EQ(answer("a\0b"s), "value:nul");
  EXPECT_EQ(answer("a\0"s), "not found");
  for (const auto& key :
       {"' OR 1=1 --"s,
        "a'; DROP TABLE t; --"s,
        "%"s,
        "\xff\xfe"s,
        "\xf0\x9f\x92\xa7"s,
        "\r\n"s,
        std::string(4096, 'k')}) {
    EXPECT_EQ(answer(key), "not found") << key;
  }
  EXPECT_EQ(answer("a"), "value:Ada");
}

TEST_F(SqliteSourceTest, a_text_key_finds_a_number) {
  use({.path = path, .query = "SELECT v FROM n WHERE id = ?1"});
  EXPECT_EQ(answer("7"), "value:seven");
  EXPECT_EQ(answer("7x"), "not found");
}

TEST_F(SqliteSourceTest, every_form_of_the_one_parameter_is_taken) {
  for (const char* query :
       {"SELECT v FROM t WHERE k = ?",
        "SELECT v FROM t WHERE k = :key",
        "SELECT v FROM t WHERE k = ?1 OR k = ?1 ;  ",
        "SELECT v FROM t WHERE k = ?1; -- the end",
        "WITH w AS (SELECT * FROM t) SELECT v FROM w WHERE k = ?1",
        "/* all */ SELECT v FROM t WHERE k = ?1"}) {
    use({.path = path, .query = query});
    EXPECT_EQ(answer("a"), "value:Ada") << query;
  }
}

TEST_F(SqliteSourceTest, queries_that_do_not_fit_are_refused_with_the_reason) {
  struct {
    const char* query;
    const char* why;
  } const cases[] = {
      {"", "needs a query"},
      {"  -- nothing", "the query is empty"},
      {"SELECT v FROM t", "must have one parameter, ?1"},
      {"SELECT v FROM t WHERE k = ?2", "it has 2"},
      {"SELECT v FROM t WHERE k = ?1 AND v = ?2", "it has 2"},
      {"SELECT v FROM t WHERE k = ?1; SELECT 1", "another one begins at line 1, column 30"},
      {"DELETE FROM t WHERE k = ?1", "must only read"},
      {"DELETE FROM t WHERE k = ?1 RETURNING v", "must only read"},
      {"INSERT INTO t VALUES (?1, 1)", "must only read"},
      {"ATTACH ?1 AS other", "must be a SELECT"},
      {"EXPLAIN SELECT v FROM t WHERE k = ?1", "must be a SELECT"},
      {"BEGIN", "must be a SELECT"},
      {"SELECT v FROM missing WHERE k = ?1", "no such table: missing"},
      {"SELECT missing FROM t WHERE k = ?1", "no such column: missing at line 1, column 8"},
      {"SELECT v\n  FORM t WHERE k = ?1", "syntax error at line 2, column 8"},
      {"SELECT 'open", "unrecognized token"},
  };

  for (const auto& [query, why] : cases) {
    const auto text = refusal(query);
    EXPECT_NE(text.find(why), std::string::npos) << query << "\n  gave: " << text;
  }
  EXPECT_NE(refusal("SELECT v\0 FROM t"s).find("NUL"), std::string::npos);
}

TEST_F(SqliteSourceTest, files_that_cannot_be_used_are_refused_with_the_reason) {
  const auto text = [&](const fs::path& at) {
    return thrown_text<std::invalid_argument>([&] {
      make_sqlite_source({.path = at, .query = all_values});
    });
  };
  EXPECT_NE(text({}).find("needs the path"), std::string::npos);
  EXPECT_NE(text(folder / "missing.db").find("No such file or directory"), std::string::npos);
  EXPECT_FALSE(fs::exists(folder / "missing.db"));
  EXPECT_NE(text(folder.path()).find("not a regular file"), std::string::npos);
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  EXPECT_NE(text(folder / "fifo").find("not a regular file"), std::string::npos);
  folder.write(
      "text.db", "this is no database, but long enough to be looked at " + std::string(2000, 'x')
  );
  EXPECT_NE(text(folder / "text.db").find("file is not a database"), std::string::npos);
  EXPECT_NE(text(":memory:").find("No such file or directory"), std::string::npos);
  EXPECT_NE(
      text("file:" + path.string() + "?mode=rw").find("No such file or directory"),
      std::string::npos
  );
}

TEST_F(SqliteSourceTest, wrong_numbers_are_refused) {
  const auto text = [&](std::size_t readers, std::chrono::milliseconds busy, std::size_t max_entry
                    ) {
    return thrown_text<std::invalid_argument>([&] {
      make_sqlite_source({path, all_values, readers, busy, max_entry});
    });
  };
  EXPECT_NE(text(0, 0ms, 1).find("readers"), std::string::npos);
  EXPECT_NE(text(65, 0ms, 1).find("readers"), std::string::npos);
  EXPECT_NE(text(1, -1ms, 1).find("busy_timeout"), std::string::npos);
  EXPECT_NE(text(1, 0ms, 0).find("max_entry"), std::string::npos);
}

TEST_F(SqliteSourceTest, values_over_the_limit_are_too_large) {
  writer(path).run(
      "INSERT INTO t VALUES ('fits', zeroblob(2000000)), ('over', zeroblob(2000001)), ('huge', "
      "zeroblob(50000000))"
  );
  EXPECT_EQ(answer("fits").size(), 2'000'006u);
  EXPECT_EQ(answer("over"), "error: too_large");
  EXPECT_EQ(answer("huge"), "error: too_large");
  EXPECT_EQ(answer("a"), "value:Ada");
}

TEST_F(SqliteSourceTest, a_query_that_takes_too_long_ends_at_the_deadline) {
  use(
      {.path = path,
       .query = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) "
                "FROM c WHERE ?1"}
  );
  patience = 20ms;
  EXPECT_EQ(answer("1"), "error: deadline_exceeded");
  patience = 1min;
  use({.path = path, .query = all_values});
  EXPECT_EQ(answer("a"), "value:Ada");
}

TEST_F(SqliteSourceTest, a_locked_database_is_overloaded_after_the_busy_timeout) {
  use({.path = path, .query = all_values, .busy_timeout = 1ms});
  {
    writer other(path);
    other.run("BEGIN EXCLUSIVE");
    EXPECT_EQ(answer("a"), "error: overloaded");
    EXPECT_EQ(remark->text(), "the database " + path.string() + " is locked by another process");
    other.run("COMMIT");
  }
  EXPECT_EQ(answer("a"), "value:Ada");
}

TEST_F(SqliteSourceTest, a_lock_is_waited_for_as_long_as_the_load_may_take) {
  writer other(path);
  other.run("BEGIN EXCLUSIVE");
  auto waits = start("a");
  ASSERT_EQ(waits.wait_for(700ms), std::future_status::timeout) << remark->text();
  other.run("COMMIT");
  const auto got = waits.get();
  ASSERT_TRUE(got) << remark->text();
  EXPECT_EQ(got->value.text(), "Ada");
}

TEST_F(SqliteSourceTest, a_lock_that_outlasts_the_load_is_told_in_time) {
  writer other(path);
  other.run("BEGIN EXCLUSIVE");
  patience = 1s;
  const auto deadline = env.now() + patience;
  EXPECT_EQ(answer("a"), "error: overloaded");
  EXPECT_LT(env.now(), deadline);
  other.run("COMMIT");
}

TEST_F(SqliteSourceTest, a_database_that_is_locked_at_the_start_is_looked_at_by_the_first_load) {
  writer other(path);
  other.run("BEGIN EXCLUSIVE");
  use({.path = path, .query = all_values});
  patience = 100ms;
  EXPECT_EQ(answer("a"), "error: overloaded");
  other.run("COMMIT");
  patience = 1min;
  EXPECT_EQ(answer("a"), "value:Ada");
}

// As on a read-only mount: the files that a log needs beside the database cannot be made.
TEST_F(SqliteSourceTest, a_folder_that_cannot_be_written_is_not_blamed_on_the_query) {
  writer(path).run("PRAGMA journal_mode = WAL");
  source.reset();
  fs::permissions(path, fs::perms(0644));
  fs::permissions(folder.path(), fs::perms(0555));
  const auto user = ::geteuid();
  ASSERT_EQ(::seteuid(user == 0 ? 65534 : user), 0);  // root may write everywhere
  const auto text = refusal(all_values);
  ASSERT_EQ(::seteuid(user), 0);
  fs::permissions(folder.path(), fs::perms(0755));
  EXPECT_NE(text.find("WAL mode needs a folder that can be written"), std::string::npos) << text;
  EXPECT_EQ(text.find("query"), std::string::npos) << text;
}

TEST_F(SqliteSourceTest, changes_are_seen_and_writers_are_never_kept_waiting) {
  writer other(path);
  for (int i = 0; i < 10; ++i) {
    other.run("UPDATE t SET v = 'v" + std::to_string(i) + "' WHERE k = 'a'");
    EXPECT_EQ(answer("a"), "value:v" + std::to_string(i));
  }
  other.run("DROP TABLE t");
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_NE(remark->text().find("no such table: t"), std::string::npos) << remark->text();
}

TEST_F(SqliteSourceTest, a_database_in_wal_mode_is_read_too) {
  writer other(path);
  other.run("PRAGMA journal_mode = WAL");
  other.run("UPDATE t SET v = 'wal' WHERE k = 'a'");
  EXPECT_EQ(answer("a"), "value:wal");
}

TEST_F(SqliteSourceTest, a_replaced_file_is_opened_anew_and_a_missing_one_is_an_error) {
  EXPECT_EQ(answer("a"), "value:Ada");
  make(folder / "new.db", "Grace");
  fs::rename(folder / "new.db", path);
  EXPECT_EQ(answer("a"), "value:Grace");
  fs::remove(path);
  EXPECT_EQ(answer("a"), "error: source_failed");
  EXPECT_NE(remark->text().find("No such file or directory"), std::string::npos) << remark->text();
  EXPECT_FALSE(fs::exists(path));
  make(path, "Back");
  EXPECT_EQ(answer("a"), "value:Back");
}

TEST_F(SqliteSourceTest, many_loads_share_few_connections) {
  use({.path = path, .query = all_values, .readers = 2});
  std::vector<std::future<result<loaded>>> answers;
  for (int i = 0; i < 500; ++i) answers.push_back(start(i % 2 == 0 ? "a" : "missing"));
  for (int i = 0; i < 500; ++i) {
    const auto got = answers[static_cast<std::size_t>(i)].get();
    ASSERT_TRUE(got) << got.error().message();
    EXPECT_EQ(got->found, i % 2 == 0);
  }
}

TEST_F(SqliteSourceTest, a_load_that_gets_no_connection_in_time_says_so) {
  use(
      {.path = path,
       .query = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT count(*) "
                "FROM c WHERE ?1",
       .readers = 1}
  );
  patience = 100ms;
  auto slow = start("1");
  patience = 50ms;
  auto waits = start("1");
  EXPECT_EQ(waits.get().error(), errc::deadline_exceeded);
  EXPECT_EQ(slow.get().error(), errc::deadline_exceeded);
}

}  // namespace
}  // namespace weir
