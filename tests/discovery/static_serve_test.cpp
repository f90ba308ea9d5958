// Real nodes, `weir serve`, with the list of each other in their files.

#include "tests/support/program.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/support/text.hpp"
#include "tests/support/waiting.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;
using testing::HasSubstr;

class StaticServeTest : public testing::Test {
 protected:
  static constexpr std::size_t size = 4;

  StaticServeTest() {
    for (auto& each : addresses_) each = free_address();
  }

  static std::string id_of(std::size_t node) { return 'n' + std::to_string(node + 1); }

  /// The list with the first `count` of all.
  std::vector<std::string> first(std::size_t count) const {
    std::vector<std::string> out;
    for (std::size_t i = 0; i != count; ++i) out.push_back(id_of(i) + '=' + addresses_[i]);
    return out;
  }

  std::string write(std::size_t node, const std::vector<std::string>& peers) {
    std::string list;
    for (const auto& each : peers) list += (list.empty() ? "\"" : ", \"") + each + '"';
    return folder_.write(
        id_of(node) + ".yaml",
        "cluster: test\nnode: {id: " + id_of(node) +
            ", threads: 1, drain_timeout: 3s}\nlisten:\n  peer: {address: \"" + addresses_[node] +
            "\"}\n  http: {address: \"127.0.0.1:0\"}\ndiscovery: {static: {peers: [" + list +
            "]}}\nkeyspaces:\n  - {name: pages, source: {type: file, root: \"" +
            folder_.path().string() + "\"}}\n"
    );
  }

  void start(std::size_t node, const std::vector<std::string>& peers) {
    const std::vector<std::string> words{"serve", "-c", write(node, peers)};
    nodes_[node] = std::make_unique<program>(folder_, words);
  }

  void reload(std::size_t node, const std::vector<std::string>& peers) {
    write(node, peers);
    nodes_[node]->signal(SIGHUP);
  }

  std::string ask(std::size_t node, const std::string& what) {
    return run(folder_, {what, "-o", "json", "--server=" + nodes_[node]->banner("http")}).out;
  }

  /// The first `count` have each other in one ring, and leases.
  bool agree(std::size_t count) {
    const auto all = ask(0, "ring");
    if (occurrences(all, "\"share\"") != count) return false;
    for (std::size_t i = 0; i != count; ++i) {
      if (ask(i, "ring") != all) return false;
      if (ask(i, "members").find("\"valid\":true") == std::string::npos) return false;
    }
    return true;
  }

  std::string logs() const {
    std::string out;
    for (const auto& each : nodes_) out += each ? each->err() + '\n' : "";
    return out;
  }

  scratch_folder folder_;
  std::array<std::string, size> addresses_;
  std::array<std::unique_ptr<program>, size> nodes_;
};

TEST_F(StaticServeTest, NodesMeetAndTheirListChangesByReload) {
  auto begin = clock::now();
  for (std::size_t i = 0; i != 3; ++i) start(i, first(3));
  for (std::size_t i = 0; i != 3; ++i) ASSERT_NE(nodes_[i]->banner("http"), "") << logs();
  ASSERT_TRUE(eventually([&] { return agree(3); }, 5s)) << logs();
  report("three nodes that start at once agree", begin);

  start(3, first(4));
  ASSERT_NE(nodes_[3]->banner("http"), "") << logs();
  begin = clock::now();
  for (std::size_t i = 0; i != 3; ++i) reload(i, first(4));
  ASSERT_TRUE(eventually([&] { return agree(4); }, 10s)) << logs();
  report("a fourth is in the ring after the reload", begin);

  begin = clock::now();
  nodes_[3]->signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return agree(3); }, 5s)) << logs();
  report("a node left the ring on SIGTERM", begin);
  EXPECT_EQ(nodes_[3]->wait(), 0);

  nodes_[2]->signal(SIGKILL);
  nodes_[2]->wait();
  begin = clock::now();
  for (std::size_t i = 0; i != 2; ++i) reload(i, first(2));
  ASSERT_TRUE(eventually([&] { return agree(2); }, 20s)) << logs();
  report("a killed node is out of the ring after the reload", begin);
}

TEST_F(StaticServeTest, AListThatCannotBeReadChangesNothing) {
  for (std::size_t i = 0; i != 2; ++i) start(i, first(2));
  for (std::size_t i = 0; i != 2; ++i) ASSERT_NE(nodes_[i]->banner("http"), "") << logs();
  ASSERT_TRUE(eventually([&] { return agree(2); }, 5s)) << logs();
  for (const auto& bad : {"n3=127.0.0.1", "n3=127.0.0.1:0", "n3=127.0.0.1:70000", "=a:1", ""}) {
    const auto before = occurrences(nodes_[0]->err(), "reload.refused");
    reload(0, {"n1=" + addresses_[0], bad});
    const auto is_refused = [&] {
      return occurrences(nodes_[0]->err(), "reload.refused") > before;
    };
    EXPECT_TRUE(eventually(is_refused, 5s)) << '"' << bad << "\"\n" << nodes_[0]->err();
  }
  EXPECT_TRUE(agree(2));
  EXPECT_EQ(nodes_[0]->err().find("peer.dropped"), std::string::npos);
}

}  // namespace
}  // namespace weir::test
