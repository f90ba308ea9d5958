// Links that work badly: rows F3, F11, F12, F45 and F46 of the failure catalogue.

#include "tests/support/cluster/fault_fixture.hpp"

#include <fstream>

namespace weir::test {
namespace {

class LinkFaults : public FaultTest {
 protected:
  void on_all_links(const toxics& how) {
    for (int i = 1; i <= nodes().size(); ++i) {
      for (int j = 1; j <= nodes().size(); ++j) {
        if (i == j) continue;
        nodes().link(i, j).set(direction::forth, how);
        nodes().link(i, j).set(direction::back, how);
      }
    }
  }

  void heal_links() {
    for (int i = 1; i <= nodes().size(); ++i) {
      for (int j = 1; j <= nodes().size(); ++j) {
        if (i != j) nodes().link(i, j).heal();
      }
    }
  }

  // Resident memory of a node.
  std::size_t memory_of(int node) {
    std::ifstream status("/proc/" + std::to_string(nodes().node(node).pid()) + "/statm");
    std::size_t all = 0;
    std::size_t resident = 0;
    status >> all >> resident;
    return resident * 4096;
  }
};

TEST_F(LinkFaults, F3_AnOwnerBehindASlowLinkIsStillTheOwner) {
  start({.via = links::proxied});
  for (const int from : {1, 2}) {
    nodes().link(from, 3).set(direction::forth, {.latency = 60ms});
    nodes().link(from, 3).set(direction::back, {.latency = 60ms});
  }
  history_clock::duration longest{0};
  for (int n = 0; n != 12; ++n) {
    const auto key = key_of(3, n);
    for (int i = 1; i <= 3; ++i) {
      const auto got = read(i, key);
      EXPECT_EQ(got.status, 200);
      longest = std::max(longest, got.took);
    }
    EXPECT_EQ(origin().loads(key), 1) << key << ": nobody loads in its stead";
    for (const int i : {1, 2}) EXPECT_EQ(member_field(i, 3, "state"), "\"reachable\"");
  }
  EXPECT_GE(longest, 120ms);
  EXPECT_LE(longest, 2 * 500ms);
}

TEST_F(LinkFaults, F11_LargeValuesOnANarrowLinkHoldBackNoSmallOne) {
  constexpr std::size_t size = 200'000;
  start();
  const std::vector<std::string> large{key_of(3, 0), key_of(3, 1), key_of(3, 2), key_of(3, 3)};
  for (const auto& each : large) origin().resize(each, size);
  for (const auto& each : large) ASSERT_EQ(read(3, each).status, 200);  // n3 has them
  nodes().narrow(3, 1'000'000);
  answers transfers;
  for (const auto& each : large) transfers.push_back(std::move(ask_at_once(1, each, 1, 40s)[0]));
  history_clock::duration longest{0};
  std::size_t small = 0;
  while (transfers.back().wait_for(0s) != std::future_status::ready) {
    const auto got = read(1, key_of(3, static_cast<int>(4 + small % 40)));
    EXPECT_EQ(got.status, 200);
    longest = std::max(longest, got.took);
    ++small;
    EXPECT_EQ(member_field(1, 3, "state"), "\"reachable\"");
    pass(50ms);
  }
  history_clock::duration last{0};
  for (auto& each : transfers) {
    const auto whole = each.get();
    EXPECT_EQ(whole.status, 200);
    EXPECT_GE(whole.body.size(), size);
    last = std::max(last, whole.took);
  }
  EXPECT_GE(small, 5) << "the large ones took their time";
  std::printf(
      "F11: 0.8 MB at 1 Mbit/s took %.1f s; %zu small reads on the same link meanwhile, longest "
      "%.0f ms\n",
      std::chrono::duration<double>(last).count(),
      small,
      std::chrono::duration<double, std::milli>(longest).count()
  );
  EXPECT_LE(longest, 2 * 1000ms);
}

TEST_F(LinkFaults, F12_DelayedMessagesOvertakeEachOtherWithoutHarm) {
  start({.via = links::proxied});
  begin_load({.reads_per_second = 150, .changes_per_second = 20, .keys = 15});
  begin_fault("delay");
  on_all_links({.latency = 5ms, .jitter = 150ms});
  pass(5s);
  heal_links();
  end_fault();
  EXPECT_TRUE(nodes().wait_until_whole(recovered)) << nodes().logs();
  end_load();
}

TEST_F(LinkFaults, F45_AStormOfChangesOfOneKeyCausesNoStormOfLoads) {
  start();
  origin().take(5ms);
  begin_load(
      {.reads_per_second = 200,
       .changes_per_second = 1000,
       .keys = 1,
       .invalidated = {"things"},
       .written = {},
       .per_key = changes_of_a_key::at_once}
  );
  pass(4s);
  const auto numbers = end_load();
  EXPECT_GE(numbers.purges_ok, 1000);
  EXPECT_LE(origin().most_at_once("things/k0"), 2);
}

TEST_F(LinkFaults, F46_APeerThatDoesNotTakeRecordsHoldsNobodyBack) {
  start({.via = links::proxied});
  std::vector<std::string> keys;
  for (int n = 0; n != 10; ++n) keys.push_back(key_of(1, n));
  warm(keys);
  const auto before = memory_of(1);
  begin_load(
      {.reads_per_second = 100, .changes_per_second = 1000, .per_key = changes_of_a_key::at_once}
  );
  begin_fault("n3 takes no bytes");
  for (const int from : {1, 2}) {
    nodes().link(from, 3).set(direction::forth, {.stops_reading = true});
    nodes().link(3, from).set(direction::back, {.stops_reading = true});
  }
  pass(6s);
  const auto grown = memory_of(1) - std::min(before, memory_of(1));
  heal_links();
  end_fault();
  EXPECT_TRUE(nodes().wait_until_whole(recovered)) << nodes().logs();
  const auto numbers = end_load();
  std::printf(
      "F46: %zu of %zu invalidations OK, n1 grew by %zu KiB\n",
      numbers.purges_ok,
      numbers.purges,
      grown / 1024
  );
  EXPECT_LE(grown, 64U << 20);
}

}  // namespace
}  // namespace weir::test
