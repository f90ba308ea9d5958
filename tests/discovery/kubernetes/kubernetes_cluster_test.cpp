#include "tests/discovery/cluster_fixture.hpp"
#include "tests/discovery/dns/dnsmasq.hpp"
#include "tests/discovery/kubernetes/kubernetes_server.hpp"
#include "tests/support/waiting.hpp"

#include <weir/discovery/kubernetes_provider.hpp>

#include <iostream>
#include <memory>
#include <vector>

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::api_endpoint;
using test::api_slice;
using test::eventually;
using test::is_soak;
using test::kubernetes_server;
using test::report;
using clock = std::chrono::steady_clock;

/// Nodes of one process that find each other through an API server with TLS and a token.
class KubernetesClusterTest : public test::cluster_fixture {
 protected:
  KubernetesClusterTest() : ca_("api"), server_(ca_.issue("kubernetes.default.svc")) {
    files_.write("ca.crt", ca_.pem());
    files_.write("token", "a.b.c\n");
    files_.write("namespace", "demo");
    server_.accept_token("a.b.c");
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
    return add_node(
        number,
        address(number) + ":" + std::to_string(port_),
        std::make_shared<kubernetes_provider>(options())
    );
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

  const std::uint16_t port_ = test::dnsmasq::free_port();
  const weir_test::authority ca_;
  const weir_test::tls_folder files_;
  kubernetes_server server_;
};

TEST_F(KubernetesClusterTest, NodesFindEachOtherAndMeetAFourth) {
  server_.set("weir-peers-a", slice_of({1, 2}));
  server_.set("weir-peers-b", slice_of({3}));
  for (int i = 1; i <= 3; ++i) add(i);
  auto begin = clock::now();
  start_all();
  ASSERT_TRUE(eventually([&] { return agree_on(3); }, 5s));
  report("three nodes agree", begin);
  EXPECT_GE(answers(*nodes_[0], "answered"), 1);

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

TEST_F(KubernetesClusterTest, AMemberThatTerminatesAndAnswersStaysWhereItIs) {
  server_.set("weir-peers-a", slice_of({1, 2, 3}));
  for (int i = 1; i <= 3; ++i) add(i).start().value();
  ASSERT_TRUE(eventually([&] { return agree_on(3); }, 5s));
  const auto told = [&](const std::string& event) {
    return logged(1, event) + logged(2, event) + logged(3, event);
  };
  const auto have_slots = [&] {
    for (const auto& each : nodes_) {
      for (const auto& member : each->ring()->members())
        if (member.weight == 0) return false;
    }
    return agree_on(3);
  };
  ASSERT_TRUE(eventually(have_slots, 5s));
  const auto rings = [&] {
    std::vector<std::shared_ptr<const ring>> out;
    for (const auto& each : nodes_) out.push_back(each->ring());
    return out;
  };
  const auto before = rings();
  auto changed = slice_of({1, 2, 3});
  changed.endpoints[2].is_terminating = true;
  server_.set("weir-peers-a", changed);
  const auto is_dropped = [&] { return told("discovery.answered") == 6; };
  ASSERT_TRUE(eventually(is_dropped, 20s));
  EXPECT_TRUE(agree_on(3));
  EXPECT_EQ(rings(), before) << "none was made anew";
  EXPECT_EQ(told("peer.dropped") + told("lease.lost"), 0);
  for (const auto& each : nodes_) {
    for (const auto& member : each->members()) EXPECT_TRUE(member.is_self || member.is_linked);
  }

  const auto begin = clock::now();
  nodes_[2]->stop();
  ASSERT_TRUE(eventually([&] { return agree_on(2); }, 20s));
  report("a member that terminated died and left", begin);
  EXPECT_LT(clock::now() - begin, 2 * 7s) << "not the 30 s of one that is named";
  EXPECT_TRUE(eventually([&] { return logged(1, "peer.dropped") == 1; }, 10s));
}

/// WEIR_SOAK=1 makes it a minute.
TEST_F(KubernetesClusterTest, NobodyLeavesWhileTheApiServerIsGone) {
  server_.set("weir-peers-a", slice_of({1, 2, 3}));
  for (int i = 1; i <= 3; ++i) add(i).start().value();
  ASSERT_TRUE(eventually([&] { return agree_on(3); }, 5s));

  server_.stop();
  const auto until = clock::now() + (is_soak() ? 60s : 1s);
  const auto is_over = [&] { return clock::now() > until && answers(*nodes_[0], "failed") >= 2; };
  ASSERT_TRUE(eventually(is_over, 120s));
  std::cout << "[ measured ] failures: " << answers(*nodes_[0], "failed") << '\n';
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
