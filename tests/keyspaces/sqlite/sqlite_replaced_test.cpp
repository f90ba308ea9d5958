// A database file that is written over in place, as cp, cat, rsync --inplace and kubectl cp do. What
// one script makes has an equal header, which is what SQLite goes by.

#include "keyspaces/sqlite/sqlite_reader.hpp"
#include "keyspaces/sqlite/sqlite_writer.hpp"
#include "tests/keyspaces/loading.hpp"

#include <weir/engine/store.hpp>
#include <weir/keyspaces/make_sources.hpp>

#include <gmock/gmock.h>

#include <spawn.h>
#include <sqlite3.h>
#include <sys/wait.h>

extern char** environ;

namespace weir {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr const char* query = "SELECT v FROM t WHERE id = ?1";
constexpr const char* put_row = "INSERT OR REPLACE INTO t VALUES (?1, ?2)";

/// The test's side of a database.
class database {
 public:
  explicit database(const fs::path& path) {
    EXPECT_EQ(sqlite3_open(path.c_str(), &opened_), SQLITE_OK);
  }

  ~database() { sqlite3_close(opened_); }

  database(const database&) = delete;
  database& operator=(const database&) = delete;

  int run(const std::string& sql) {
    return sqlite3_exec(opened_, sql.c_str(), nullptr, nullptr, nullptr);
  }

  std::string ask(const std::string& sql) {
    std::string found;
    const auto take = [](void* to, int, char** columns, char**) {
      *static_cast<std::string*>(to) += columns[0];
      return 0;
    };
    EXPECT_EQ(sqlite3_exec(opened_, sql.c_str(), take, &found, nullptr), SQLITE_OK) << sql;
    return found;
  }

 private:
  sqlite3* opened_ = nullptr;
};

/// As the script that makes the database each night: `name`-1 to `name`-500.
fs::path made(const fs::path& path, const std::string& name) {
  database fresh(path);
  EXPECT_EQ(
      fresh.run(
          "CREATE TABLE t(id TEXT PRIMARY KEY, v TEXT); WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL "
          "SELECT x+1 FROM c WHERE x<500) INSERT INTO t SELECT 'k'||x, '" +
          name + "-'||x FROM c"
      ),
      SQLITE_OK
  );
  return path;
}

/// By another process: one that closes the file would drop the locks of all its connections.
void write_over(const fs::path& to, const fs::path& from) {
  std::string words[] = {"cp", from.string(), to.string()};
  char* arguments[] = {words[0].data(), words[1].data(), words[2].data(), nullptr};
  pid_t child = 0;
  ASSERT_EQ(::posix_spawnp(&child, "cp", nullptr, nullptr, arguments, environ), 0);
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
}

struct SqliteReplacedTest : loading_test {
  test::scratch_folder folder;
  const fs::path live = made(folder / "live.db", "one");

  std::shared_ptr<store> open_store(const std::string& put = put_row) {
    source = make_sqlite_source({.path = live, .query = query, .put = put});
    return std::dynamic_pointer_cast<store>(source);
  }

  std::future<result<stored>> start_put(store& to, std::string key, std::string value) {
    const load_context context{env, env.now() + patience, remark};
    auto work = to.async_put(std::move(key), bytes(std::move(value)), {}, context);
    return asio::co_spawn(env.executor(), std::move(work), asio::use_future);
  }

  /// What is left of whom, and whether it is sound.
  std::string state() const {
    database on(live);
    return on.ask("PRAGMA integrity_check") + ": " +
           on.ask("SELECT count(*) FROM t WHERE v LIKE 'one-%'") + " one, " +
           on.ask("SELECT count(*) FROM t WHERE v LIKE 'two-%'") + " two, " +
           on.ask("SELECT count(*) FROM t") + " rows";
  }
};

TEST_F(SqliteReplacedTest, a_reader_sees_the_new_content) {
  source = make_sqlite_source({.path = live, .query = query});
  EXPECT_EQ(answer("k1"), "value:one-1");
  write_over(live, made(folder / "two.db", "two"));
  EXPECT_EQ(answer("k1"), "value:two-1");
  EXPECT_EQ(answer("k2"), "value:two-2");
}

TEST_F(SqliteReplacedTest, a_reader_of_a_file_that_rested_notices_too) {
  const sqlite_connection::settings with{
      .path = live, .max_entry = 1000, .file_clock = []() noexcept {
        return file_stamp::now() + 1h;
      }};
  sqlite_reader reader(with, {.text = query}, nullptr);
  EXPECT_TRUE(reader.is_current());
  write_over(live, made(folder / "two.db", "two"));
  EXPECT_FALSE(reader.is_current());
  EXPECT_FALSE(reader.read("k1", {env, env.now() + patience, remark})) << "answers from old pages";
}

TEST_F(SqliteReplacedTest, a_store_writes_into_the_new_content_and_nothing_else) {
  const auto over = open_store();
  ASSERT_TRUE(start_put(*over, "k1", "put").get()) << remark->text();
  const auto two = made(folder / "two.db", "two");
  database(two).run("UPDATE t SET v = 'two-0' WHERE id = 'k1'");  // as many commits as `live` has
  write_over(live, two);
  ASSERT_TRUE(start_put(*over, "k250", "put").get()) << remark->text();
  EXPECT_EQ(state(), "ok: 0 one, 499 two, 500 rows");
  EXPECT_EQ(answer("k250"), "value:put");
  EXPECT_EQ(answer("k1"), "value:two-0");
}

TEST_F(SqliteReplacedTest, a_writer_that_finds_another_file_under_its_lock_writes_nothing) {
  sqlite_writer writer(
      {.connection = {.path = live, .max_entry = 1000},
       .query = {.text = query},
       .writes = {put_row, {}}},
      nullptr
  );
  const load_context context{env, env.now() + patience, remark};
  const auto two = made(folder / "two.db", "two");
  database(two).run("UPDATE t SET v = 'two-0' WHERE id = 'k1'");
  ASSERT_TRUE(writer.put("k1", bytes("put"), {}, context));
  write_over(live, two);
  EXPECT_FALSE(writer.put("k250", bytes("put"), {}, context));
  EXPECT_EQ(state(), "ok: 0 one, 500 two, 500 rows");
}

// The statement counts for a while under the lock; meanwhile the file becomes another one.
TEST_F(SqliteReplacedTest, a_write_that_is_overtaken_begins_anew_in_the_new_content) {
  const auto over = open_store(
      "INSERT OR REPLACE INTO t SELECT ?1, ?2 || substr(x, 1, 0) FROM (WITH RECURSIVE c(x) AS "
      "(SELECT 1 UNION ALL SELECT x+1 FROM c WHERE x<3000000) SELECT max(x) AS x FROM c)"
  );
  ASSERT_TRUE(start_put(*over, "k1", "put").get()) << remark->text();
  const auto two = made(folder / "two.db", "two");
  database(two).run("UPDATE t SET v = 'two-0' WHERE id = 'k1'");
  auto put = start_put(*over, "k250", "put");
  database other(live);
  while (other.run("BEGIN IMMEDIATE") == SQLITE_OK) {
    ASSERT_NE(put.wait_for(0s), std::future_status::ready) << "never seen to hold the lock";
    other.run("ROLLBACK");
  }
  write_over(live, two);
  ASSERT_TRUE(put.get()) << remark->text();
  EXPECT_EQ(state(), "ok: 0 one, 499 two, 500 rows");
  EXPECT_EQ(answer("k250"), "value:put");
}

TEST_F(SqliteReplacedTest, a_name_that_moves_to_another_file_is_followed_by_a_store) {
  const auto over = open_store();
  ASSERT_TRUE(start_put(*over, "k1", "put").get()) << remark->text();
  fs::rename(made(folder / "two.db", "two"), live);
  ASSERT_TRUE(start_put(*over, "k250", "put").get()) << remark->text();
  EXPECT_EQ(state(), "ok: 0 one, 499 two, 500 rows");
  fs::remove(live);
  EXPECT_EQ(start_put(*over, "k1", "put").get().error(), errc::source_failed);
  made(live, "one");
  ASSERT_TRUE(start_put(*over, "k1", "put").get()) << remark->text();
  EXPECT_EQ(state(), "ok: 499 one, 0 two, 500 rows");
}

TEST_F(SqliteReplacedTest, half_a_database_gives_an_error_and_no_value) {
  source = make_sqlite_source({.path = live, .query = query});
  const auto size = fs::file_size(live);
  const auto whole = made(folder / "two.db", "two");
  const auto half = folder / "half.db";
  fs::copy_file(whole, half);
  fs::resize_file(half, size / 2);
  write_over(live, half);
  EXPECT_EQ(answer("k1"), "error: source_failed");
  fs::resize_file(half, 0);
  write_over(live, half);
  EXPECT_EQ(answer("k1"), "error: source_failed");
  write_over(live, whole);
  EXPECT_EQ(answer("k1"), "value:two-1");
}

}  // namespace
}  // namespace weir
