// Real processes: a herd on a cold key, and the death of an owner under load.

#include "tests/support/cluster/counting_origin.hpp"
#include "tests/support/cluster/http_swarm.hpp"
#include "tests/support/cluster/node_process.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/support/text.hpp"

#include <weir/engine/ring.hpp>
#include <weir/engine/slot.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>
#include <signal.h>
#include <thread>

namespace weir::test {
namespace {

using namespace std::chrono_literals;

double in_ms(std::chrono::nanoseconds time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

class ProcessTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto ports = free_ports(6);
    std::string peers;
    for (int i = 0; i != 3; ++i) {
      peers += (i ? ", " : "") + ("\"n" + std::to_string(i + 1)) +
               "=127.0.0.1:" + std::to_string(ports[2 * i]) + "\"";
    }
    const auto config = folder_.write(
        "weir.yaml",
        "cluster: process-test\n"
        "discovery: {static: {peers: [" +
            peers +
            "]}}\n"
            "keyspaces:\n"
            "  - {name: things, ttl: 10m, source: {type: http, url: \"http://" +
            origin_.address() + "/{key}\"}}\n"
    );
    for (int i = 0; i != 3; ++i) {
      nodes_.push_back(std::make_unique<node_process>(
          "n" + std::to_string(i + 1), config, ports[2 * i], ports[2 * i + 1]
      ));
    }
    wait_until_whole();
  }

  std::vector<std::uint16_t> http_ports(std::size_t count) const {
    std::vector<std::uint16_t> out;
    for (std::size_t i = 0; i != count; ++i) out.push_back(nodes_[i]->http_port());
    return out;
  }

  // Until every node takes all three for reachable.
  void wait_until_whole() {
    const auto until = std::chrono::steady_clock::now() + 20s;
    for (const auto& each : nodes_) {
      for (;;) {
        ASSERT_LT(std::chrono::steady_clock::now(), until) << each->id() << ":\n" << each->log();
        try {
          http_swarm one({each->http_port()}, 1);
          const auto body = one.all_get("/cluster/members").answers[0].body;
          if (occurrences(body, "\"reachable\"") == 3) break;
        } catch (const std::exception&) {  // not listening yet
        }
        std::this_thread::yield();
      }
    }
  }

  // Keys that the node called `id` owns.
  static std::vector<std::string> keys_of(
      const std::string& id, const std::string& prefix, std::size_t count
  ) {
    const ring ring({{.id = "n1"}, {.id = "n2"}, {.id = "n3"}});
    std::vector<std::string> out;
    for (int i = 0; out.size() != count; ++i) {
      const auto key = prefix + std::to_string(i);
      if (ring.owner(slot_of("things", key)).id == id) out.push_back(key);
    }
    return out;
  }

  scratch_folder folder_;
  counting_origin origin_;
  std::vector<std::unique_ptr<node_process>> nodes_;
};

TEST_F(ProcessTest, AThousandGetsOfAColdKeyCauseOneLoad) {
  http_swarm clients(http_ports(3), 999);
  clients.all_get("/v1/things/warm");
  std::vector<double> ratios;
  for (int round = 0; round != 5; ++round) {
    const auto path = "/v1/things/cold" + std::to_string(round);
    const auto cold = clients.all_get(path);
    const auto hits = clients.all_get("/v1/things/warm");
    for (const auto& each : cold.answers) {
      ASSERT_EQ(each.status, 200);
      ASSERT_EQ(each.body, "value of /cold" + std::to_string(round));
    }
    EXPECT_EQ(origin_.loads("/cold" + std::to_string(round)), 1);
    ratios.push_back(in_ms(cold.until_last) / in_ms(hits.until_last));
    std::printf(
        "999 GETs of a cold key: last after %.1f ms; of a warm one: %.1f ms; ratio %.2f\n",
        in_ms(cold.until_last),
        in_ms(hits.until_last),
        ratios.back()
    );
  }
  std::sort(ratios.begin(), ratios.end());
  EXPECT_LE(ratios[2], 3.0) << "median of five";
}

TEST_F(ProcessTest, NoReadFailsWhenAnOwnerIsKilled) {
  std::vector<double> longest;
  for (int round = 0; round != 5; ++round) {
    const auto prefix = "r" + std::to_string(round) + "-";
    auto keys = keys_of("n3", prefix, 40);
    for (const auto* other : {"n1", "n2"}) {
      const auto more = keys_of(other, prefix + "o", 20);
      keys.insert(keys.end(), more.begin(), more.end());
    }
    http_swarm clients(http_ports(2), 64);
    const auto answers = clients.steady_gets(
        1000,
        3000ms,
        [&](std::size_t n) { return "/v1/things/" + keys[n % keys.size()]; },
        1000ms,
        [&] { nodes_[2]->end_with(SIGKILL); }
    );
    std::chrono::nanoseconds most{0};
    for (std::size_t n = 0; n != answers.size(); ++n) {
      ASSERT_EQ(answers[n].status, 200) << "read " << n << ": " << answers[n].body;
      ASSERT_EQ(answers[n].body, "value of /" + keys[n % keys.size()]);
      most = std::max(most, answers[n].took);
    }
    longest.push_back(in_ms(most));
    const auto [path, loads] = origin_.most_loaded("/" + prefix);
    EXPECT_LE(loads, 2) << path;
    std::printf(
        "kill %d: %zu reads, 0 failed, longest %.1f ms, most loads of a key %d\n",
        round + 1,
        answers.size(),
        longest.back(),
        loads
    );
    nodes_[2]->start();
    wait_until_whole();
  }
  std::sort(longest.begin(), longest.end());
  std::printf("longest read: median of 5 kills %.1f ms, maximum %.1f ms\n", longest[2], longest[4]);
  EXPECT_LE(longest[2], 200.0);
}

}  // namespace
}  // namespace weir::test
