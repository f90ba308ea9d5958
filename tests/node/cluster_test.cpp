// Three `weir serve` processes that share one key space.
#include "tests/support/program.hpp"
#include "tests/support/text.hpp"
#include "tests/support/waiting.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <signal.h>

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class ClusterTest : public testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i != 100; ++i)
      folder_.write("pages/" + std::to_string(i), "page " + std::to_string(i));
    for (std::size_t i = 0; i != nodes_.size(); ++i) peers_[i] = free_address();
    for (std::size_t i = 0; i != nodes_.size(); ++i) start(i);
    for (const auto& each : nodes_) ASSERT_NE(each->banner("http"), "") << each->err();
    for (std::size_t i = 0; i != nodes_.size(); ++i) {
      ASSERT_TRUE(sees_reachable(i, 2)) << nodes_[i]->err();
      ASSERT_TRUE(eventually([&] { return has_whole_ring(i); }, 20s)) << nodes_[i]->err();
    }
  }

  void start(std::size_t i) {
    std::string list;
    for (std::size_t j = 0; j != peers_.size(); ++j) {
      list += (j == 0 ? "\"n" : ", \"n") + std::to_string(j + 1) + '=' + peers_[j] + '"';
    }
    const auto id = 'n' + std::to_string(i + 1);
    const auto file = folder_.write(
        id + ".yaml",
        "cluster: test\nnode: {id: " + id +
            ", threads: 1, drain_timeout: 3s}\nlisten:\n  peer: {address: \"" + peers_[i] +
            "\"}\n  http: {address: \"127.0.0.1:0\"}\ndiscovery: {static: {peers: [" + list +
            "]}}\nkeyspaces:\n  - {name: pages, source: {type: file, root: \"" +
            (folder_.path() / "pages").string() + "\"}}\n"
    );
    nodes_[i] = std::make_unique<program>(folder_, std::vector<std::string>{"serve", "-c", file});
  }

  finished ask(std::size_t i, std::vector<std::string> words) {
    words.push_back("--server=" + nodes_[i]->banner("http"));
    return run(folder_, std::move(words));
  }

  /// Waits until node `i` calls `others` other nodes reachable.
  bool sees_reachable(std::size_t i, std::size_t others) {
    const auto does = [&] {
      const auto members = ask(i, {"members", "-o", "json"});
      return members.code == 0 && occurrences(members.out, "\"state\":\"reachable\"") == others + 1;
    };
    return eventually(does, 20s);
  }

  /// Whether all three have slots, as node `i` sees it.
  bool has_whole_ring(std::size_t i) {
    const auto ring = ask(i, {"ring", "-o", "json"}).out;
    return occurrences(ring, "\"slots\":") == 3 && occurrences(ring, "\"slots\":0") == 0;
  }

  scratch_folder folder_;
  std::array<std::string, 3> peers_;
  std::array<std::unique_ptr<program>, 3> nodes_;
};

TEST_F(ClusterTest, AllNodesAgreeAndAnswerEveryKey) {
  const auto owner = ask(0, {"owner", "pages", "7", "-o", "json"}).out;
  for (std::size_t i = 0; i != 3; ++i) {
    EXPECT_EQ(ask(i, {"owner", "pages", "7", "-o", "json"}).out, owner);
    EXPECT_EQ(ask(i, {"get", "pages", "7"}).out, "page 7");
    const auto many = ask(i, {"mget", "pages", "1", "2", "3", "4", "5", "6", "-o", "json"});
    EXPECT_EQ(many.code, 0) << many.err;
    EXPECT_EQ(occurrences(many.out, "\"outcome\":\"ok\""), 6u) << many.out;
  }
  EXPECT_THAT(ask(0, {"ring"}).out, HasSubstr("n3"));
  EXPECT_EQ(ask(0, {"ring", "--simulate", "add=n4"}).code, 0);
  const auto explained = ask(1, {"get", "pages", "7", "--explain"});
  EXPECT_EQ(explained.code, 0);
  EXPECT_THAT(explained.out, HasSubstr("slot"));
  EXPECT_THAT(explained.out, HasSubstr("answer"));
  EXPECT_EQ(ask(2, {"stats"}).code, 0);
  EXPECT_EQ(ask(2, {"keyspaces"}).code, 0);
}

/// How many reads of "pages" were answered by `from`, on all nodes together; -1 when one is silent.
int reads_from(const std::string& stats, const std::string& from) {
  if (stats.find("nodes n1, n2, n3 of 3\n") != 0) return -1;
  const auto line = stats.find('\n' + from + ' ');
  return line == std::string::npos ? -1 : std::atoi(stats.c_str() + line + 1 + from.size());
}

TEST_F(ClusterTest, ReadsThatTheCacheAnswersAreHitsWhicheverNodeIsAsked) {
  std::vector<std::string> all{"mget", "pages"};
  for (int i = 0; i != 100; ++i) all.push_back(std::to_string(i));
  const auto read_all = [&] {
    for (std::size_t i = 0; i != 3; ++i) EXPECT_EQ(ask(i, all).code, 0);
  };
  const auto stats = [&] { return ask(0, {"stats", "pages", "--all"}).out; };
  const auto is_warm = [&] {
    const auto before = reads_from(stats(), "source");
    read_all();
    return before >= 0 && reads_from(stats(), "source") == before;
  };
  ASSERT_TRUE(eventually(is_warm, 20s)) << stats();
  const auto before = stats();
  read_all();
  const auto after = stats();
  const auto added = [&](const std::string& from) {
    return reads_from(after, from) - reads_from(before, from);
  };
  EXPECT_EQ(added("source"), 0) << before << after;
  EXPECT_EQ(added("memory"), 100) << before << after;
  EXPECT_EQ(added("owner"), 200) << before << after;
  for (const auto* other : {"near", "gutter", "joined", "passed", "stale"})
    EXPECT_EQ(added(other), 0) << other << before << after;
}

TEST_F(ClusterTest, StatsOfAllNodesNameTheOneThatIsGone) {
  EXPECT_EQ(ask(0, {"stats"}).out.find("node n1 of 3\n"), 0u);
  nodes_[2]->signal(SIGKILL);
  nodes_[2]->wait();
  const auto is_named = [&] {
    return ask(0, {"stats", "--all"}).out.find("nodes n1, n2 of 3; n3: unavailable\n") == 0;
  };
  EXPECT_TRUE(eventually(is_named)) << ask(0, {"stats", "--all"}).out;
}

TEST_F(ClusterTest, TheWordsOfAFailureReachWhoeverAsksWhereverTheOwnerIs) {
  std::filesystem::create_symlink("loop", folder_.path() / "pages/loop");
  for (std::size_t i = 0; i != 3; ++i) {
    const auto failed = ask(i, {"get", "pages", "loop"});
    EXPECT_EQ(failed.code, 1);
    EXPECT_THAT(failed.err, HasSubstr("Too many levels of symbolic links"));
  }
}

TEST_F(ClusterTest, AnInvalidationAtOneNodeIsSeenAtAll) {
  for (std::size_t i = 0; i != 3; ++i) EXPECT_EQ(ask(i, {"get", "pages", "7"}).out, "page 7");
  folder_.write("pages/7", "changed");
  EXPECT_EQ(ask(1, {"invalidate", "pages", "7"}).code, 0);
  for (std::size_t i = 0; i != 3; ++i) EXPECT_EQ(ask(i, {"get", "pages", "7"}).out, "changed");
}

TEST_F(ClusterTest, ADrainedNodeLeavesAndTheOthersServeItsKeys) {
  nodes_[2]->signal(SIGTERM);
  EXPECT_EQ(nodes_[2]->wait(), 0);
  EXPECT_TRUE(nodes_[0]->logs("\"event\":\"peer.left\"")) << nodes_[0]->err();
  EXPECT_TRUE(nodes_[1]->logs("\"event\":\"peer.left\"")) << nodes_[1]->err();
  for (int i = 0; i != 20; ++i) EXPECT_EQ(ask(0, {"get", "pages", std::to_string(i)}).code, 0);
}

TEST_F(ClusterTest, NoReadFailsWhileANodeDrains) {
  nodes_[2]->signal(SIGTERM);
  std::size_t reads = 0;
  while (nodes_[2]->is_running()) {
    const auto key = std::to_string(reads++ % 100);
    const auto got = ask(reads % 2, {"get", "pages", key});
    ASSERT_EQ(got.out, "page " + key) << got.err;
  }
  EXPECT_EQ(nodes_[2]->wait(), 0);
  EXPECT_GT(reads, 0u);
}

TEST_F(ClusterTest, AKilledNodeIsRoutedAroundAndComesBackByItself) {
  nodes_[2]->signal(SIGKILL);
  nodes_[2]->wait();
  EXPECT_TRUE(nodes_[0]->logs("\"event\":\"peer.unreachable\"")) << nodes_[0]->err();
  for (int i = 0; i != 20; ++i) {
    const auto got = ask(0, {"get", "pages", std::to_string(i)});
    EXPECT_EQ(got.out, "page " + std::to_string(i)) << got.err;
  }
  start(2);
  EXPECT_TRUE(sees_reachable(0, 2)) << nodes_[0]->err();
  EXPECT_TRUE(sees_reachable(2, 2)) << nodes_[2]->err();
}

TEST_F(ClusterTest, ASecondSignalStopsADrainingNodeAtOnceUnlessItIsTheFirstOnceMore) {
  nodes_[2]->signal(SIGTERM);
  nodes_[2]->signal(SIGTERM);
  ASSERT_TRUE(nodes_[2]->logs("\"event\":\"node.draining\""));
  EXPECT_THAT(nodes_[2]->err(), Not(HasSubstr("node.killed")));
  const auto is_killed = [&] {
    nodes_[2]->signal(SIGTERM);
    return nodes_[2]->err().find("\"event\":\"node.killed\"") != std::string::npos;
  };
  EXPECT_TRUE(eventually(is_killed));
  EXPECT_EQ(nodes_[2]->wait(), 1);
}

}  // namespace
}  // namespace weir::test
