#include "tests/discovery/dnsmasq.hpp"
#include "tests/discovery/kubernetes_server.hpp"

#include <weir/discovery/kubernetes_provider.hpp>
#include <weir/engine/ring.hpp>
#include <weir/node/node.hpp>

#include <gmock/gmock.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <map>
#include <mutex>

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::api_endpoint;
using test::api_slice;
using test::kubernetes_server;
using clock = std::chrono::steady_clock;

result<bytes> load(std::string_view key) {
  return bytes("value of " + std::string(key));
}

/// Nodes of one process that find each other through an API server with TLS and a token.
class KubernetesClusterTest : public testing::Test {
 protected:
  KubernetesClusterTest() : ca_("api"), server_(ca_.issue("kubernetes.default.svc")) {
    files_.write("ca.crt", ca_.pem());
    files_.write("token", "a.b.c\n");
    files_.write("namespace", "demo");
    server_.accept_token("a.b.c");
  }

  ~KubernetesClusterTest() override {
    for (auto& each : nodes_) each->stop();
  }

  kubernetes_options options() const {
    return {
        .service = "weir-peers",
        .api = server_.address(),
        .token_file = files_.path("token"),
        .ca_file = files_.ca(),
        .account = files_.path(""),
        .linger = 500ms,
        .request_timeout = 2s,
    };
  }

  node& add(int number) {
    nodes_.push_back(std::make_unique<node>(node_options{
        .cluster = "test",
        .id = "n" + std::to_string(number),
        .peer_address = address(number) + ':' + std::to_string(port_),
        .discovery = std::make_shared<kubernetes_provider>(options()),
        .runtime = {.threads = 1},
        .log =
            [this, number](const log_record& record) {
              const std::lock_guard lock(mutex_);
              ++logged_[{number, std::string(record.event)}];
              changed_.notify_all();
            },
    }));
    auto& made = *nodes_.back();
    made.add_keyspace({.name = "users", .ttl = 60s}, load);
    return made;
  }

  static std::string address(int number) { return "127.78.0." + std::to_string(number); }

  api_slice slice_of(const std::vector<int>& numbers) const {
    api_slice out{.endpoints = {}, .port = port_};
    for (const int each : numbers) {
      const api_endpoint endpoint{"weir-" + std::to_string(each), address(each), false};
      out.endpoints.push_back(endpoint);
    }
    return out;
  }

  template <class Condition>
  bool eventually(Condition condition, std::chrono::seconds most) {
    const auto deadline = clock::now() + most;
    std::unique_lock lock(mutex_);
    while (true) {
      lock.unlock();
      if (condition()) return true;
      lock.lock();
      if (clock::now() > deadline) return false;
      changed_.wait_for(lock, 20ms);
    }
  }

  /// All nodes that were not stopped have this many members in the same ring, and a lease.
  bool agree_on(std::size_t members) {
    for (const auto& each : nodes_) {
      if (each->peer_address().empty()) continue;
      if (each->ring()->size() != members || !each->lease().is_valid) return false;
      for (int key = 0; key != 20; ++key) {
        const auto text = std::to_string(key);
        if (each->place_of("users", text).owner != nodes_[0]->place_of("users", text).owner)
          return false;
      }
    }
    return true;
  }

  int logged(int number, const std::string& event) {
    const std::lock_guard lock(mutex_);
    return logged_[{number, event}];
  }

  static int counted(node& of, const std::string& outcome) {
    const auto text = of.metrics();
    const auto name = "weir_discovery_answers_total{outcome=\"" + outcome + "\"} ";
    const auto at = text.find(name);
    return at == text.npos ? 0 : std::stoi(text.substr(at + name.size()));
  }

  static void report(std::string_view what, clock::time_point since) {
    const auto took = std::chrono::duration_cast<milliseconds>(clock::now() - since);
    std::cout << "[ measured ] " << what << ": " << took.count() << " ms\n";
  }

  const std::uint16_t port_ = test::dnsmasq::free_port();
  const weir_test::authority ca_;
  const weir_test::tls_folder files_;
  kubernetes_server server_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<int, std::string>, int> logged_;
  std::vector<std::unique_ptr<node>> nodes_;
};

TEST_F(KubernetesClusterTest, NodesFindEachOtherAndMeetAFourth) {
  server_.set("weir-peers-a", slice_of({1, 2}));
  server_.set("weir-peers-b", slice_of({3}));
  for (int i = 1; i <= 3; ++i) add(i);
  auto begin = clock::now();
  for (auto& each : nodes_) each->start().value();
  ASSERT_TRUE(eventually([&] { return agree_on(3); }, 5s));
  report("three nodes agree", begin);
  EXPECT_GE(counted(*nodes_[0], "answered"), 1);

  add(4);
  begin = clock::now();
  nodes_.back()->start().value();
  server_.set("weir-peers-b", slice_of({3, 4}));
  ASSERT_TRUE(eventually([&] { return agree_on(4); }, 5s));
  report("a fourth node joined", begin);
}

TEST_F(KubernetesClusterTest, NodesThatAreNamedOneByOneAgreeToo) {
  server_.set("weir-peers-a", slice_of({1}));
  for (int i = 1; i <= 3; ++i) add(i).start().value();
  server_.set("weir-peers-a", slice_of({1, 2}));
  server_.set("weir-peers-a", slice_of({1, 2, 3}));
  EXPECT_TRUE(eventually([&] { return agree_on(3); }, 10s));
}

TEST_F(KubernetesClusterTest, AMemberWhosePodTerminatesLeavesTheRing) {
  server_.set("weir-peers-a", slice_of({1, 2, 3}));
  for (int i = 1; i <= 3; ++i) add(i).start().value();
  ASSERT_TRUE(eventually([&] { return agree_on(3); }, 5s));
  auto changed = slice_of({1, 2, 3});
  changed.endpoints[2].is_terminating = true;
  const auto begin = clock::now();
  nodes_[2]->stop();
  server_.set("weir-peers-a", changed);
  ASSERT_TRUE(eventually([&] { return agree_on(2); }, 20s));
  report("a dead member that terminates left", begin);
  EXPECT_TRUE(eventually([&] { return logged(1, "peer.dropped") == 1; }, 10s));
}

/// WEIR_SOAK=1 makes it a minute.
TEST_F(KubernetesClusterTest, NobodyLeavesWhileTheApiServerIsGone) {
  server_.set("weir-peers-a", slice_of({1, 2, 3}));
  for (int i = 1; i <= 3; ++i) add(i).start().value();
  ASSERT_TRUE(eventually([&] { return agree_on(3); }, 5s));

  server_.stop();
  const bool is_soak = std::getenv("WEIR_SOAK") != nullptr;
  const auto until = clock::now() + (is_soak ? 60s : 1s);
  const auto is_over = [&] { return clock::now() > until && counted(*nodes_[0], "failed") >= 2; };
  ASSERT_TRUE(eventually(is_over, 120s));
  std::cout << "[ measured ] failures: " << counted(*nodes_[0], "failed") << '\n';
  EXPECT_TRUE(agree_on(3));
  EXPECT_EQ(logged(1, "discovery.failed"), 1);
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(logged(i, "peer.dropped"), 0) << i;

  server_.start();
  const auto begin = clock::now();
  server_.set("weir-peers-a", slice_of({1, 2, 3, 4}));
  add(4).start().value();
  ASSERT_TRUE(eventually([&] { return agree_on(4); }, 15s));
  report("a fourth node joined after the outage", begin);
}

}  // namespace
}  // namespace weir
