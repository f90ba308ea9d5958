// A thousand keys that nobody has read yet, in one call, with default limits, over SQLite.
#include "tests/support/program.hpp"
#include "tests/support/text.hpp"
#include "tests/support/waiting.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <signal.h>
#include <sqlite3.h>

namespace weir::test {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t keys = 1000;

class ColdBatchTest : public testing::Test {
 protected:
  void SetUp() override {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path().c_str(), &database), SQLITE_OK);
    const auto* fill =
        "CREATE TABLE t (k TEXT PRIMARY KEY, v);"
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999) "
        "INSERT INTO t SELECT CAST(i AS TEXT), 'row ' || i FROM n";
    EXPECT_EQ(sqlite3_exec(database, fill, nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(database);
  }

  std::string path() { return (folder_.path() / "packages.db").string(); }

  void start(std::size_t count) {
    for (std::size_t i = 0; i != count; ++i) peers_.push_back(free_address());
    std::string list;
    for (std::size_t i = 0; i != count; ++i)
      list += (i == 0 ? "\"n" : ", \"n") + std::to_string(i + 1) + '=' + peers_[i] + '"';
    const auto cluster = "  peer: {address: \"";
    for (std::size_t i = 0; i != count; ++i) {
      const auto id = 'n' + std::to_string(i + 1);
      auto text = "cluster: test\nnode: {id: " + id +
                  ", threads: 1, drain_timeout: 3s}\nlisten:\n" +
                  "  http: {address: \"127.0.0.1:0\"}\n";
      if (count > 1) {
        text += cluster + peers_[i] + "\"}\ndiscovery: {static: {peers: [" + list + "]}}\n";
      }
      text += "keyspaces:\n  - {name: packages, source: {type: sqlite, path: \"" + path() +
              "\", query: \"SELECT v FROM t WHERE k = ?1\"}}\n";
      const auto file = folder_.write(id + ".yaml", text);
      nodes_.push_back(
          std::make_unique<program>(folder_, std::vector<std::string>{"serve", "-c", file})
      );
    }
    for (const auto& each : nodes_) ASSERT_NE(each->banner("http"), "") << each->err();
    for (std::size_t i = 0; i != count; ++i) ASSERT_TRUE(has_settled(i)) << nodes_[i]->err();
  }

  finished ask(std::size_t i, std::vector<std::string> words) {
    words.push_back("--server=" + nodes_[i]->banner("http"));
    return run(folder_, std::move(words));
  }

  /// Node `i` has everybody on its ring, and a lease where it needs one.
  bool has_settled(std::size_t i) {
    const auto has = [&] {
      const auto ring = ask(i, {"ring", "-o", "json"});
      const auto members = ask(i, {"members", "-o", "json"});
      return occurrences(ring.out, "\"slots\":") == nodes_.size() &&
             members.out.find("\"valid\":true") != std::string::npos;
    };
    return eventually(has, 30s);
  }

  void read_all_at(std::size_t i) {
    std::vector<std::string> words{"mget", "packages", "-o", "json"};
    for (std::size_t key = 0; key != keys; ++key) words.push_back(std::to_string(key));
    const auto got = ask(i, std::move(words));
    EXPECT_EQ(got.code, 0) << got.err;
    EXPECT_EQ(occurrences(got.out, "\"outcome\":\"ok\""), keys);
    EXPECT_EQ(occurrences(got.out, "\"outcome\":\"overloaded\""), 0U);
  }

  scratch_folder folder_;
  std::vector<std::string> peers_;
  std::vector<std::unique_ptr<program>> nodes_;
};

TEST_F(ColdBatchTest, IsAnsweredByALoneNode) {
  start(1);
  read_all_at(0);
}

TEST_F(ColdBatchTest, IsAnsweredByThreeNodes) {
  start(3);
  read_all_at(0);
}

TEST_F(ColdBatchTest, IsAnsweredThoughAnOwnerWasKilled) {
  start(3);
  nodes_[2]->signal(SIGKILL);
  nodes_[2]->wait();
  read_all_at(0);
}

}  // namespace
}  // namespace weir::test
