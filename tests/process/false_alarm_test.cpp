// Nodes that are well and nothing else: packets that get lost and a CPU that is held back take
// nobody out. 30 s, or 5 minutes with WEIR_SOAK=1.

#include "tests/support/cluster/cpu_quota.hpp"
#include "tests/support/cluster/fault_fixture.hpp"
#include "tests/support/waiting.hpp"

#include <fstream>
#include <sstream>

namespace weir::test {
namespace {

class FalseAlarm : public FaultTest {
 protected:
  static std::chrono::seconds lasting() { return is_soak() ? 300s : 30s; }

  // TCP segments that all nodes had to send again.
  std::size_t repeats() {
    std::size_t sum = 0;
    for (int i = 1; i <= nodes().size(); ++i) {
      std::ifstream from("/proc/" + std::to_string(nodes().node(i).pid()) + "/net/snmp");
      std::string names;
      std::string line;
      while (std::getline(from, line) && (line.rfind("Tcp:", 0) != 0 || names.empty())) {
        if (line.rfind("Tcp:", 0) == 0) names = line;
      }
      std::istringstream name(names);
      std::istringstream value(line);
      std::string one;
      std::string other;
      while (name >> one && value >> other) {
        if (one == "RetransSegs") sum += std::stoul(other);
      }
    }
    return sum;
  }

  // Everybody calls everybody reachable all the while, and no node lost its lease.
  void expect_nobody_is_taken_out(const std::string& title) {
    const auto ring = digest(1);
    // While the five meet, a lease may be lost for a moment when more of them begin to count.
    const auto lost_before = logged("lease.lost");
    const auto until = history_clock::now() + lasting();
    std::size_t looks = 0;
    while (history_clock::now() < until && !HasFailure()) {
      for (int i = 1; i <= nodes().size(); ++i) {
        EXPECT_TRUE(nodes().sees(i, nodes().size())) << "node " << i << "\n" << nodes().logs();
        EXPECT_EQ(digest(i), ring) << "node " << i;
      }
      ++looks;
      pass(250ms);
    }
    const auto taken_out = logged("peer.unreachable");
    const auto leases_lost = logged("lease.lost") - lost_before;
    std::printf(
        "detection: %s: %lld s, %zu looks at each of %d nodes, %zu times a peer unreachable, %zu "
        "leases "
        "lost\n",
        title.c_str(),
        static_cast<long long>(lasting().count()),
        looks,
        nodes().size(),
        taken_out,
        leases_lost
    );
    EXPECT_EQ(taken_out, 0) << nodes().logs();
    EXPECT_EQ(leases_lost, 0) << nodes().logs();
  }
};

TEST_F(FalseAlarm, OnePercentOfAllPacketsLostTakesNobodyOut) {
  start({.nodes = 5});
  begin_load({.reads_per_second = 150, .changes_per_second = 8});
  begin_fault("loss");
  for (int i = 1; i <= nodes().size(); ++i) {
    for (int j = 1; j <= nodes().size(); ++j) {
      if (i != j) nodes().lose(i, j, 0.01);
    }
  }
  const auto before = repeats();
  expect_nobody_is_taken_out("1 % loss");
  const auto repeated = repeats() - before;
  end_fault();
  const auto numbers = end_load();
  std::printf("detection: 1 %% loss: %zu TCP segments sent again\n", repeated);
  EXPECT_GT(repeated, 0) << "nothing was lost";
  EXPECT_GE(numbers.ok_during, 0.99);
}

// A node with a fifth of a CPU, and what that has used of it.
class slowed_node {
 public:
  slowed_node(const node_process& node, quota_by how)
      : id_(node.id()), process_(node.pid()), quota_(process_, 20ms, how) {}

  double report() const {
    const std::chrono::duration<double> used = cpu_time(process_) - used_before_;
    const std::chrono::duration<double> passed = history_clock::now() - began_;
    std::printf(
        "detection: 20 %% of a CPU: %s by %s, held back in %llu periods of 100 ms, used %.1f %%\n",
        id_.c_str(),
        quota_.how().c_str(),
        static_cast<unsigned long long>(quota_.held_back()),
        100 * used / passed
    );
    return used / passed;
  }

 private:
  const std::string id_;
  const pid_t process_;
  const time_point began_ = history_clock::now();
  const milliseconds used_before_ = cpu_time(process_);
  cpu_quota quota_;
};

TEST_F(FalseAlarm, AFifthOfACpuTakesNobodyOutAtHalfOfThatLoad) {
  start({.nodes = 5});
  driver_options load{.reads_per_second = 1500, .changes_per_second = 20};
  load.is_asked = [](int node) { return node >= 4; };
  begin_load(load);
  begin_fault("20 % of a CPU");
  {
    const slowed_node by_signals(nodes().node(4), quota_by::signals);
    const slowed_node by_group(nodes().node(5), quota_by::group_if_permitted);
    expect_nobody_is_taken_out("20 % of a CPU");
    EXPECT_LE(by_signals.report(), 0.10) << "a load that needs more than was meant";
    EXPECT_LE(by_group.report(), 0.10) << "a load that needs more than was meant";
  }
  end_fault();
  EXPECT_GE(end_load().ok_during, 0.99);
}

}  // namespace
}  // namespace weir::test
