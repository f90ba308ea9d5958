// Three `weir serve` over a real PostgreSQL, from YAML alone: a commit is seen by all of them.

#include "tests/keyspaces/postgres/postgres_server.hpp"
#include "tests/support/cluster/endpoint_of.hpp"
#include "tests/support/cluster/fault_proxy.hpp"
#include "tests/support/program.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/support/waiting.hpp"

#include <weir/engine/runtime.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using testing::HasSubstr;

/// One connection to a node's HTTP door.
class door_connection {
 public:
  explicit door_connection(const std::string& url)
      : at_(endpoint_of(url.substr(url.rfind('/') + 1))), socket_(loop_) {
    socket_.connect(at_);
  }

  /// The value, or the status of an answer without one.
  std::string get(const std::string& target) {
    asio::write(
        socket_,
        asio::buffer(
            "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nWeir-Timeout: 300ms\r\n\r\n"
        )
    );
    asio::read_until(socket_, asio::dynamic_buffer(got_), "\r\n\r\n");
    const auto head = got_.substr(0, got_.find("\r\n\r\n") + 4);
    const auto length = std::stoul(head.substr(head.find("Content-Length: ") + 16));
    got_.erase(0, head.size());
    if (got_.size() < length)
      asio::read(socket_, asio::dynamic_buffer(got_), asio::transfer_exactly(length - got_.size()));
    const auto body = got_.substr(0, length);
    got_.erase(0, length);
    if (head.find("Connection: close") != std::string::npos) {
      socket_ = asio::ip::tcp::socket(loop_);
      socket_.connect(at_);
    }
    const auto status = head.substr(9, 3);
    return status == "200" ? body : status;
  }

 private:
  asio::io_context loop_;
  const asio::ip::tcp::endpoint at_;
  asio::ip::tcp::socket socket_;
  std::string got_;
};

class PostgresServe : public testing::Test {
 protected:
  static constexpr std::size_t size = 3;

  PostgresServe() {
    for (auto& each : addresses_) each = free_address();
    server().run("CREATE TABLE IF NOT EXISTS users (id text PRIMARY KEY, body text)");
    server().run("TRUNCATE users");
  }

  ~PostgresServe() override { server().run("DROP TABLE users CASCADE"); }

  std::string write(std::size_t node) {
    std::string peers;
    for (std::size_t i = 0; i != size; ++i)
      peers += (i == 0 ? "n" : ", n") + std::to_string(i) + '=' + addresses_[i];
    return folder_.write(
        "n" + std::to_string(node) + ".yaml",
        "node: {id: n" + std::to_string(node) + ", threads: 1}\nlisten:\n  peer: {address: \"" +
            addresses_[node] +
            "\"}\n  http: {address: \"127.0.0.1:0\"}\ndiscovery: {static: {peers: [" + peers +
            "]}}\n" + keyspaces()
    );
  }

  std::string keyspaces() const {
    return "keyspaces:\n  - name: users\n    near: {max_memory: 16MiB}\n    writes: allow\n    "
           "source:\n      type: postgres\n      url: " +
           postgres_server::url_at(proxy_.address()) + "\n      password: {file: " + password_ +
           "}\n      table: {name: users, key: id, value: body, revision: xmin}\n      changes: "
           "{listen: users_changed}\n";
  }

  void start() {
    const auto sql = run(folder_, {"config", "sql", "users", "-c", write(0)});
    ASSERT_EQ(sql.code, 0) << sql.err;
    server().run(sql.out);
    for (std::size_t i = 0; i != size; ++i)
      nodes_[i] =
          std::make_unique<program>(folder_, std::vector<std::string>{"serve", "-c", write(i)});
    for (std::size_t i = 0; i != size; ++i) {
      ASSERT_TRUE(nodes_[i]->prints("ready in ")) << nodes_[i]->err();
      const auto url = nodes_[i]->banner("http");
      ASSERT_EQ(run(folder_, {"health", "--settled", "--wait", "20s", "--server", url}).code, 0);
    }
    for (const auto& each : nodes_)
      doors_.push_back(std::make_unique<door_connection>(each->banner("http")));
    ASSERT_TRUE(eventually([&] { return feeds("live") == size; }, 10s));
  }

  std::size_t feeds(const std::string& state) {
    return static_cast<std::size_t>(std::count_if(doors_.begin(), doors_.end(), [&](auto& each) {
      return each->get("/cluster/keyspaces").find("\"state\":\"" + state + '"') !=
             std::string::npos;
    }));
  }

  void change(const std::string& key, const std::string& value) {
    server().run(
        "INSERT INTO users VALUES ('" + key + "', '" + value +
        "') ON CONFLICT (id) DO UPDATE SET body = excluded.body"
    );
  }

  std::string get(std::size_t node, const std::string& key) {
    return doors_[node]->get("/v1/users/" + key);
  }

  scratch_folder folder_;
  const std::string password_ = folder_.write("password", postgres_server::password);
  std::array<std::string, size> addresses_;
  runtime proxy_loop_{{.threads = 1}};
  fault_proxy proxy_{*proxy_loop_.loops().front(), {.target = server().address()}};
  std::array<std::unique_ptr<program>, size> nodes_;
  std::vector<std::unique_ptr<door_connection>> doors_;
};

TEST_F(PostgresServe, ACommitIsSeenByAllNodes) {
  constexpr int changes = 200;
  ASSERT_NO_FATAL_FAILURE(start());
  std::vector<double> took;
  for (int i = 0; i != changes; ++i) {
    const auto key = "k" + std::to_string(i % 10);
    for (std::size_t node = 0; node != size; ++node) get(node, key);
    const auto value = "v" + std::to_string(i);
    change(key, value);
    const auto committed = clock::now();
    for (std::size_t node = 0; node != size; ++node) {
      while (get(node, key) != value) ASSERT_LT(clock::now() - committed, 5s) << key;
      took.push_back(std::chrono::duration<double, std::milli>(clock::now() - committed).count());
    }
  }
  std::sort(took.begin(), took.end());
  std::printf(
      "[ measured ] commit to visible on three nodes: p50 %.1f, p99 %.1f, max %.1f ms\n",
      took[took.size() / 2],
      took[took.size() * 99 / 100],
      took.back()
  );
}

TEST_F(PostgresServe, ACutLinkIsNoReasonToServeWhatIsOld) {
  ASSERT_NO_FATAL_FAILURE(start());
  change("k", "old");
  for (std::size_t node = 0; node != size; ++node)
    ASSERT_TRUE(eventually([&] { return get(node, "k") == "old"; }, 5s));
  for (const auto way : {direction::forth, direction::back}) proxy_.set(way, {.black_hole = true});
  change("k", "new");
  const auto committed = clock::now();
  clock::duration last_old{0};
  while (clock::now() - committed < 10s) {
    for (std::size_t node = 0; node != size; ++node) {
      const auto asked = clock::now();
      if (get(node, "k") == "old") last_old = asked - committed;
    }
  }
  EXPECT_LT(last_old, 5s);
  EXPECT_GT(proxy_.count().bytes_lost, 0u);
  std::printf(
      "[ measured ] cut for 10 s: the old value was last served %.0f ms after the commit\n",
      std::chrono::duration<double, std::milli>(last_old).count()
  );
  proxy_.heal();
  const auto healed = clock::now();
  for (std::size_t node = 0; node != size; ++node)
    EXPECT_TRUE(eventually([&] { return get(node, "k") == "new"; }, 15s));
  EXPECT_TRUE(eventually([&] { return feeds("live") == size; }, 15s));
  report("after the cut all was live again in", healed);
}

TEST_F(PostgresServe, TheSqlIsOnlyForWhatCanTell) {
  const auto ask = [&](const std::string& yaml, const std::string& keyspace) {
    return run(folder_, {"config", "sql", keyspace, "-c", folder_.write("some.yaml", yaml)});
  };
  const auto pages = "keyspaces: [{name: pages, source: {type: file, root: \".\"}}]\n";
  EXPECT_EQ(ask(pages, "pages").code, 1);
  EXPECT_THAT(ask(pages, "pages").err, HasSubstr("has no changes.listen"));
  EXPECT_THAT(ask(pages, "nobody").err, HasSubstr("there is no keyspace \"nobody\""));
  const auto own =
      "keyspaces: [{name: own, source: {type: postgres, url: \"postgresql://a@127.0.0.1/b\", "
      "query: "
      "\"SELECT k, v FROM t WHERE k = ANY($1)\", changes: {listen: own}}}]\n";
  EXPECT_THAT(ask(own, "own").err, HasSubstr("has a query of its own"));
}

}  // namespace
}  // namespace weir::test
