// Nodes that see different rings: rows F17 and F18 of the failure catalogue.

#include "tests/support/cluster/fault_fixture.hpp"

#include <signal.h>

namespace weir::test {
namespace {

constexpr auto agreed = 2 * 3000ms;

class ViewFaults : public FaultTest {};

TEST_F(ViewFaults, F17_RingsThatDifferAreEqualAgainSoon) {
  start();
  begin_load({.reads_per_second = 150, .changes_per_second = 8});
  begin_fault("restart of n3");
  nodes().kill(3);
  nodes().restart(3);
  const auto ready = history_clock::now();
  EXPECT_TRUE(eventually([&] { return agree_on_ring({1, 2, 3}); }, recovered));
  const auto took = std::chrono::duration_cast<milliseconds>(history_clock::now() - ready);
  end_fault();
  std::printf(
      "F17: one digest everywhere %lld ms after the restart\n", static_cast<long long>(took.count())
  );
  EXPECT_LE(took, agreed);
  EXPECT_TRUE(nodes().wait_until_whole(recovered)) << nodes().logs();
  end_load();
}

TEST_F(ViewFaults, F18_NoReadTravelsInCircles) {
  start_unready({.nodes = 3});
  nodes().cut_both(2, 3);  // 2 and 3 may never meet; both know 1
  EXPECT_TRUE(eventually([&] { return nodes().sees(1, 3); }, recovered));
  history_clock::duration longest{0};
  for (int n = 0; n != 12; ++n) {
    for (int owner = 1; owner <= 3; ++owner) {
      const auto key = key_of(owner, n);
      for (int i = 1; i <= 3; ++i) {
        const auto got = read(i, key);
        EXPECT_EQ(got.status, 200) << key << " at " << i;
        longest = std::max(longest, got.took);
      }
      EXPECT_LE(origin().loads(key), 9)
          << "three readers, each with at most one retry and one pass";
    }
  }
  std::printf(
      "F18: longest read %.0f ms\n", std::chrono::duration<double, std::milli>(longest).count()
  );
  EXPECT_LE(longest, 2 * 1000ms);
}

}  // namespace
}  // namespace weir::test
