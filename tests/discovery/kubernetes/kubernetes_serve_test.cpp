// Three `weir serve` processes that find each other through an API server.
#include "tests/discovery/dns/dnsmasq.hpp"
#include "tests/discovery/kubernetes/kubernetes_server.hpp"
#include "tests/support/program.hpp"
#include "tests/support/text.hpp"
#include "tests/support/waiting.hpp"

#include <weir/transport/http_client.hpp>

#include <gmock/gmock.h>

#include <iostream>
#include <map>
#include <signal.h>

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::api_slice;
using test::eventually;
using test::is_soak;
using test::kubernetes_server;
using test::occurrences;
using test::report;
using clock = std::chrono::steady_clock;

class KubernetesServeTest : public testing::Test {
 protected:
  KubernetesServeTest() : ca_("api"), server_(ca_.issue("kubernetes.default.svc")) {
    files_.write("ca.crt", ca_.pem());
    files_.write("token", "a.b.c");
    server_.accept_token("a.b.c");
  }

  std::string address(int number) const { return "127.79.0." + std::to_string(number); }

  void serve(int number) {
    const auto id = "weir-" + std::to_string(number);
    const auto file = folder_.write(
        id + ".yaml",
        "cluster: test\nnode: {id: " + id + ", threads: 1}\nlisten:\n  peer: {address: \"" +
            address(number) + ':' + std::to_string(port_) +
            "\"}\n  http: {address: \"127.0.0.1:0\"}\ndiscovery:\n  kubernetes:\n" +
            "    service: weir-peers\n    namespace: demo\n    api: " + server_.address() +
            "\n    token: {file: " + files_.path("token") + "}\n    ca: " + files_.ca() +
            "\nkeyspaces: [{name: pages, source: {type: file, root: /}}]\n"
    );
    nodes_[number] =
        std::make_unique<test::program>(folder_, std::vector<std::string>{"serve", "-c", file});
  }

  api_slice slice_of(const std::vector<int>& numbers) const {
    api_slice out{.endpoints = {}, .port = port_};
    for (const int each : numbers) {
      out.endpoints.push_back({"weir-" + std::to_string(each), address(each), false, false});
    }
    return out;
  }

  std::string ask(int number, const std::string& path) {
    http_client_request request{.url = nodes_.at(number)->banner("http") + path};
    const auto answer = http_fetch(std::move(request));
    return answer ? answer->body : std::string();
  }

  /// Every node that runs has so many in its ring, all of them reachable, and a lease.
  bool agree_on(std::size_t members) {
    for (const auto& [number, node] : nodes_) {
      const auto text = ask(number, "/cluster/members");
      if (occurrences(text, "\"in_ring\":true") != members ||
          occurrences(text, "\"valid\":true") != 1 ||
          occurrences(text, "\"state\":\"reachable\"") != members)
        return false;
    }
    return true;
  }

  const std::uint16_t port_ = test::dnsmasq::free_port();
  const weir_test::authority ca_;
  const weir_test::tls_folder files_;
  kubernetes_server server_;
  test::scratch_folder folder_;
  std::map<int, std::unique_ptr<test::program>> nodes_;
};

/// The API server is gone for a moment; for a minute with WEIR_SOAK=1.
TEST_F(KubernetesServeTest, NodesMeetOutliveTheApiServerAndLoseAKilledOne) {
  server_.set("weir-peers-a", slice_of({1, 2, 3}));
  auto begin = clock::now();
  for (int i = 1; i <= 3; ++i) serve(i);
  ASSERT_TRUE(eventually([&] { return agree_on(3); }, 10s)) << ask(1, "/cluster/members");
  report("three processes agree, from their start", begin);

  const auto losses = [&](int number) {
    return occurrences(nodes_[number]->err(), "\"lease.lost\"");
  };
  std::map<int, std::size_t> before;  // views may change while nodes meet
  for (int i = 1; i <= 3; ++i) before[i] = losses(i);
  server_.stop();
  const auto failures = [&](int number) {
    return test::discovery_answers(ask(number, "/metrics"), "failed");
  };
  const auto until = clock::now() + (is_soak() ? 60s : 2s);
  const auto is_over = [&] { return clock::now() > until && failures(3) >= 2; };
  ASSERT_TRUE(eventually(is_over, is_soak() ? 90s : 20s)) << ask(3, "/metrics") << nodes_[3]->err();
  EXPECT_TRUE(agree_on(3));
  for (int i = 1; i <= 3; ++i) {
    std::cout << "[ measured ] failed requests of node " << i << ": " << failures(i) << '\n';
    const auto log = nodes_[i]->err();
    EXPECT_EQ(occurrences(log, "\"discovery.failed\""), 1u) << log;
    EXPECT_EQ(occurrences(log, "\"peer.dropped\""), 0u) << log;
    EXPECT_EQ(losses(i), before[i]) << log;
  }
  server_.start();

  begin = clock::now();
  auto changed = slice_of({1, 2, 3});
  changed.endpoints[2].is_terminating = true;
  nodes_[3]->signal(SIGKILL);
  nodes_.erase(3);
  server_.set("weir-peers-a", changed);
  ASSERT_TRUE(eventually([&] { return agree_on(2); }, 30s)) << ask(1, "/cluster/members");
  report("a killed process whose pod terminates left the ring", begin);
}

TEST_F(KubernetesServeTest, OutsideOfAPodWithoutAnApiNothingIsStarted) {
  const auto file = folder_.write(
      "weir.yaml",
      "listen: {peer: {address: \"127.0.0.1:0\"}, http: {address: \"127.0.0.1:0\"}}\n"
      "discovery: {kubernetes: {service: weir-peers}}\n"
      "keyspaces: [{name: pages, source: {type: file, root: /}}]\n"
  );
  const auto ended = test::run(folder_, {"serve", "-c", file});
  EXPECT_EQ(ended.code, 3);
  EXPECT_THAT(ended.err, testing::HasSubstr("so this is no pod; set api, token and ca"));
}

}  // namespace
}  // namespace weir
