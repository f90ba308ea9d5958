// Nodes that die, freeze or come back: rows F1, F2, F13 and F32 of the failure catalogue.

#include "tests/support/cluster/fault_fixture.hpp"

namespace weir::test {
namespace {

class CrashFaults : public FaultTest {};

TEST_F(CrashFaults, F1_AnOwnerKilledWhileItLoadsCostsOneMoreLoad) {
  start();
  const auto key = key_of(3);
  origin().take(1500ms);
  auto first = ask_at_once(1, key, 10, 6s);
  auto second = ask_at_once(2, key, 10, 6s);
  ASSERT_TRUE(eventually([&] { return origin().running() != 0; }, 10s));
  pass(100ms);  // all of them wait for the load by now, or join the next one
  nodes().kill(3);
  const auto killed = history_clock::now();
  const auto again = [&] { return origin().loads(key) >= 2; };
  EXPECT_TRUE(eventually(again, 10s));
  const auto noticed = std::chrono::duration_cast<milliseconds>(history_clock::now() - killed);
  for (auto* each : {&first, &second}) {
    for (auto& answer : *each) {
      const auto got = value_of(answer.get());
      EXPECT_EQ(got.status, 200);
      EXPECT_EQ(got.version, 1);
    }
  }
  std::printf(
      "F1: the second load began %lld ms after the kill\n", static_cast<long long>(noticed.count())
  );
  EXPECT_LE(noticed, 2 * 200ms);
  EXPECT_LE(origin().loads(key), 2);
}

class FrozenOwner : public FaultTest, public ::testing::WithParamInterface<int> {};

TEST_P(FrozenOwner, F2_ServesNothingOldAfterItsThaw) {
  start();
  const auto key = key_of(3);
  const auto other = key_of(3, 1);
  warm({key, other});
  nodes().freeze(3);
  const auto frozen = history_clock::now();
  const auto [answer, version] = change(1, key);
  EXPECT_TRUE(answer.status == 200 || answer.status == 202) << answer.body;
  const auto elsewhere = read(1, other, 6s);
  EXPECT_EQ(elsewhere.status, 200);
  if (const auto left = frozen + std::chrono::seconds(GetParam()) - history_clock::now();
      left > 0s) {
    pass(std::chrono::duration_cast<milliseconds>(left));
  }
  auto sent = ask_at_once(3, key, 20, 10s);
  pass(50ms);  // they wait in the frozen node's sockets
  nodes().thaw(3);
  for (auto& each : sent) {
    const auto got = value_of(each.get());
    if (answer.status == 200 && got.status == 200) {
      EXPECT_GE(got.version, version) << (got.is_cached ? "cached" : "loaded");
    }
  }
  EXPECT_TRUE(nodes().wait_until_whole(recovered)) << nodes().logs();
  for (int i = 1; i <= 3; ++i) EXPECT_GE(read(i, key).version, version) << "node " << i;
}

INSTANTIATE_TEST_SUITE_P(Seconds, FrozenOwner, ::testing::Values(1, 5));

TEST_F(CrashFaults, F2_ReadsGoAroundAFrozenOwner) {
  start();
  const auto key = key_of(3);
  nodes().freeze(3);
  const auto frozen = history_clock::now();
  const auto is_quick = [&] {
    const auto got = read(1, key_of(3, 1), 4s);
    return got.status == 200 && got.took < 200ms;
  };
  EXPECT_TRUE(eventually(is_quick, routed_away));
  const auto away = std::chrono::duration_cast<milliseconds>(history_clock::now() - frozen);
  std::printf("F2: routed away after %lld ms\n", static_cast<long long>(away.count()));
  EXPECT_LE(away, routed_away);
  nodes().thaw(3);
}

TEST_F(CrashFaults, F13_ANodeThatRestartsIsSomebodyNewAndNotDeadForEver) {
  start();
  const auto key = key_of(3);
  warm({key});
  const auto before = member_field(1, 3, "incarnation");
  const auto loads = origin().loads(key);
  nodes().kill(3);
  nodes().restart(3);
  const auto is_new = [&] {
    const auto now = member_field(1, 3, "incarnation");
    return !now.empty() && now != before && member_field(2, 3, "incarnation") == now;
  };
  EXPECT_TRUE(eventually(is_new, recovered)) << nodes().logs();
  EXPECT_EQ(read(1, key).status, 200);
  EXPECT_TRUE(eventually([&] { return read(3, key).status == 200; }, recovered));
  EXPECT_GT(origin().loads(key), loads) << "it starts empty, and its near copies are dropped";
  EXPECT_TRUE(nodes().wait_until_whole(recovered)) << nodes().logs();
}

TEST_F(CrashFaults, F32_AfterAPauseOfTheWholeMachineNobodyServesUnderAnOldLease) {
  start();
  const auto key = key_of(3);
  warm({key});
  for (int i = 1; i <= 3; ++i) nodes().freeze(i);
  pass(4s);  // longer than a lease
  nodes().thaw(1);
  nodes().thaw(2);
  const auto [answer, version] = change(1, key);
  EXPECT_EQ(answer.status, 200) << answer.body;
  auto sent = ask_at_once(3, key, 20, 10s);
  pass(50ms);
  nodes().thaw(3);
  for (auto& each : sent) {
    const auto got = value_of(each.get());
    if (answer.status == 200 && got.status == 200) {
      EXPECT_GE(got.version, version);
    }
  }
  EXPECT_TRUE(nodes().wait_until_whole(recovered)) << nodes().logs();
}

TEST_F(CrashFaults, WithOneOfThreeFrozenChangesAreConfirmedWithinALease) {
  start();
  const auto key = key_of(1);
  warm({key, key_of(2), key_of(3)});
  nodes().freeze(3);
  const auto [first, version] = change(1, key);
  EXPECT_EQ(first.status, 200) << first.body;
  EXPECT_LE(first.took, lease_and_rounds);
  std::printf(
      "frozen: the first invalidation took %.0f ms\n",
      std::chrono::duration<double, std::milli>(first.took).count()
  );
  history_clock::duration longest{0};
  std::vector<std::pair<std::string, std::uint64_t>> later{{key, version}};
  for (int n = 0; n != 10; ++n) {
    for (const int owner : {1, 2}) {
      const auto next = key_of(owner, n);
      const auto [answer, newer] = change(2, next);
      EXPECT_EQ(answer.status, 200) << answer.body;
      longest = std::max(longest, answer.took);
      later.emplace_back(next, newer);
    }
  }
  std::printf(
      "frozen: the longest of 20 later ones took %.1f ms\n",
      std::chrono::duration<double, std::milli>(longest).count()
  );
  EXPECT_LE(longest, 1s);
  std::vector<answers> sent;
  for (const auto& [each, newer] : later) sent.push_back(ask_at_once(3, each, 2, 10s));
  pass(50ms);
  nodes().thaw(3);
  for (std::size_t i = 0; i != later.size(); ++i) {
    for (auto& each : sent[i]) {
      const auto got = value_of(each.get());
      if (got.status == 200) {
        EXPECT_GE(got.version, later[i].second) << later[i].first;
      }
    }
    for (int node = 1; node <= 3; ++node) {
      const auto got = read(node, later[i].first);
      EXPECT_EQ(got.status, 200);
      EXPECT_GE(got.version, later[i].second) << later[i].first << " at " << node;
    }
  }
}

}  // namespace
}  // namespace weir::test
