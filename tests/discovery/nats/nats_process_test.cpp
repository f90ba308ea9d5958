// Real nodes, `weir serve`, that find each other through a real nats-server.

#include "tests/discovery/nats/nats_server_process.hpp"
#include "tests/support/cluster/http_exchange.hpp"
#include "tests/support/cluster/node_process.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/support/text.hpp"
#include "tests/support/waiting.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <memory>

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

class NatsProcessTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!nats_server_process::is_installed()) GTEST_SKIP() << "nats-server is not installed";
    server_.start();
    const auto config = folder_.write(
        "weir.yaml",
        "cluster: nats-test\n"
        "node: {threads: 1}\n"
        "discovery:\n  nats: {servers: [\"" +
            server_.url() +
            "\"], user: weir, password: {env: WEIR_TEST_PASSWORD}, secret: sixteen bytes or more}\n"
            "keyspaces: [{name: pages, source: {type: file, root: \"" +
            folder_.path().string() + "\"}}]\n"
    );
    ports_ = free_ports(8);
    ::setenv("WEIR_TEST_PASSWORD", "hunter2", 1);
    for (int i = 1; i <= 4; ++i) {
      const auto at = static_cast<std::size_t>(2 * (i - 1));
      nodes_.push_back(std::make_unique<node_process>(
          "n" + std::to_string(i), config, ports_[at], ports_[at + 1]
      ));
    }
  }

  std::string ask(int number, const std::string& path) const {
    const auto port = ports_[static_cast<std::size_t>(2 * number - 1)];
    return http_call("127.0.0.1:" + std::to_string(port), http_text("GET", path), 2s).body;
  }

  /// These nodes have each other, and nobody else, in one ring, and leases.
  bool agree(const std::vector<int>& numbers) const {
    std::string digest;
    for (const int each : numbers) {
      const auto ring = ask(each, "/cluster/ring");
      const auto members = ask(each, "/cluster/members");
      const auto own = ring.substr(0, ring.find("\"vnodes\""));
      if (ring.empty() || (!digest.empty() && own != digest)) return false;
      digest = own;
      for (int other = 1; other <= 4; ++other) {
        const auto is_named = ring.find("\"n" + std::to_string(other) + '"') != ring.npos;
        const auto is_wanted = std::find(numbers.begin(), numbers.end(), other) != numbers.end();
        if (is_named != is_wanted) return false;
      }
      if (members.find("{\"lease\":{\"valid\":true") == members.npos) return false;
    }
    return true;
  }

  std::string logs() const {
    std::string out;
    for (const auto& each : nodes_) out += each->log() + '\n';
    return out;
  }

  nats_server_process server_{"authorization { user: weir, password: hunter2 }"};
  scratch_folder folder_;
  std::vector<std::uint16_t> ports_;
  std::vector<std::unique_ptr<node_process>> nodes_;
};

TEST_F(NatsProcessTest, NodesMeetOutliveTheServerAndGo) {
  auto begin = clock::now();
  ASSERT_TRUE(eventually([&] { return agree({1, 2, 3, 4}); }, 10s)) << logs();
  report("four nodes agree", begin);

  server_.kill();
  // Views may change while nodes meet.
  const auto losses = [&] { return occurrences(logs(), "lease.lost"); };
  const auto lost_before = losses();
  const auto outage = is_soak() ? 60s : 1s;
  begin = clock::now();
  const auto is_noticed = [&] {
    return nodes_[0]->log().find("discovery.failed") != std::string::npos;
  };
  ASSERT_TRUE(eventually([&] { return is_noticed() && clock::now() - begin >= outage; }, 90s));
  report("the server was gone", begin);
  EXPECT_TRUE(agree({1, 2, 3, 4})) << logs();
  EXPECT_EQ(logs().find("peer.dropped"), std::string::npos);
  EXPECT_EQ(losses(), lost_before) << logs();
  server_.start();
  const auto is_back = [&] {
    return ask(1, "/metrics").find("answers_total{outcome=\"connected\"} 2") != std::string::npos;
  };
  ASSERT_TRUE(eventually(is_back, 10s));

  begin = clock::now();
  nodes_[3]->send(SIGTERM);
  EXPECT_TRUE(eventually([&] { return agree({1, 2, 3}); }, 5s)) << logs();
  report("a node left the ring on SIGTERM", begin);
  EXPECT_EQ(nodes_[3]->end_with(0), 0);
  report("and ended", begin);

  begin = clock::now();
  nodes_[2]->end_with(SIGKILL);
  EXPECT_TRUE(eventually([&] { return agree({1, 2}); }, 15s)) << logs();
  report("a killed node left the ring", begin);
  EXPECT_EQ(logs().find("hunter2"), std::string::npos);
  EXPECT_EQ(logs().find("sixteen"), std::string::npos);
}

}  // namespace
}  // namespace weir::test
