// Nodes that cannot hear each other: rows F4, F5, F6 and F10 of the failure catalogue.

#include "tests/support/cluster/fault_fixture.hpp"

namespace weir::test {
namespace {

struct split {
  int nodes;
  std::vector<int> minority;
  cut_by how;

  friend std::ostream& operator<<(std::ostream& out, const split& of) {
    return out << of.minority.size() << " of " << of.nodes << " cut off by "
               << (of.how == cut_by::drop ? "drop" : "reset");
  }
};

class Partition : public FaultTest, public ::testing::WithParamInterface<split> {
 protected:
  void cut_off() {
    for (const int inside : GetParam().minority) {
      for (int i = 1; i <= nodes().size(); ++i) {
        const auto& minority = GetParam().minority;
        if (std::find(minority.begin(), minority.end(), i) != minority.end()) continue;
        nodes().cut_both(i, inside, GetParam().how);
      }
    }
  }
};

TEST_P(Partition, F4_TheMajorityServesAndTheMinorityPassesThrough) {
  start({.nodes = GetParam().nodes});
  const auto outside = GetParam().minority.front();
  const auto key = key_of(1);
  const auto theirs = key_of(outside);
  warm({key, theirs});
  begin_load({.reads_per_second = 150, .changes_per_second = 8});
  pass(500ms);
  begin_fault("partition");
  cut_off();
  const auto [answer, version] = change(1, key);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_LE(answer.took, lease_and_rounds);
  const auto cut_off_read = read(outside, key);
  EXPECT_EQ(cut_off_read.status, 200);
  EXPECT_GE(cut_off_read.version, version);
  const auto passes_through = [&] {
    const auto got = read(outside, theirs);
    return got.status == 200 && !got.is_cached;
  };
  EXPECT_TRUE(eventually(passes_through, lease_and_rounds));
  EXPECT_EQ(read(1, key).status, 200);
  EXPECT_TRUE(eventually([&] { return read(1, key).is_cached; }, 5s));
  nodes().mend();
  end_fault();
  EXPECT_TRUE(nodes().wait_until_whole(recovered)) << nodes().logs();
  end_load();
}

INSTANTIATE_TEST_SUITE_P(
    Shapes,
    Partition,
    ::testing::Values(
        split{3, {3}, cut_by::drop}, split{3, {3}, cut_by::reset}, split{5, {4, 5}, cut_by::drop}
    )
);

// Packets vanish for 10 s, on the nodes' own connections or behind proxies that hold them open: who
// was cut off hears the others again and serves from its cache soon after the heal.
class BlackHole : public FaultTest, public ::testing::WithParamInterface<links> {};

TEST_P(BlackHole, ContactReturnsSoonAfterTheHeal) {
  start({.via = GetParam()});
  const auto key = key_of(3);
  warm({key});
  for (const int i : {1, 2}) nodes().cut_both(i, 3);
  const auto cut = history_clock::now();
  const auto passes_through = [&] { return read(3, key).status == 200 && !read(3, key).is_cached; };
  EXPECT_TRUE(eventually(passes_through, lease_and_rounds));
  pass(std::chrono::duration_cast<milliseconds>(cut + 10s - history_clock::now()));
  nodes().mend();
  const auto healed = history_clock::now();
  const auto serves = [&] { return read(3, key).is_cached; };
  EXPECT_TRUE(eventually(serves, recovered)) << nodes().logs();
  const std::chrono::duration<double> leased = history_clock::now() - healed;
  const auto is_whole = [&] {
    return nodes().sees(1, 3) && nodes().sees(2, 3) && nodes().sees(3, 3);
  };
  EXPECT_TRUE(eventually(is_whole, recovered)) << nodes().logs();
  const std::chrono::duration<double> whole = history_clock::now() - healed;
  std::printf(
      "black hole of 10 s, %s: from its cache again after %.2f s, all reachable after %.2f s\n",
      GetParam() == links::direct ? "direct" : "behind proxies",
      leased.count(),
      whole.count()
  );
  EXPECT_LE(leased, 2 * 2000ms);
  EXPECT_LE(whole, 2 * 2000ms);
}

INSTANTIATE_TEST_SUITE_P(Links, BlackHole, ::testing::Values(links::direct, links::proxied));

class CutLinks : public FaultTest {
 protected:
  // The pair 1 and 2 is cut in some way, both hear 3: everybody stays a member, every read is
  // answered, and changes are confirmed by way of 3.
  void expect_service_as_usual() {
    const auto ring = digest(3);
    const auto theirs = key_of(2);
    EXPECT_TRUE(eventually(
        [&] {
          const auto got = read(1, theirs);
          return got.status == 200 && got.took < 200ms;
        },
        routed_away
    ));
    for (int n = 0; n != 4; ++n) {
      for (const int from : {1, 2}) {
        const auto key = key_of(3 - from, n);
        const auto [answer, version] = change(from, key);
        EXPECT_EQ(answer.status, 200) << answer.body;
        for (int i = 1; i <= 3; ++i) {
          const auto got = read(i, key);
          EXPECT_EQ(got.status, 200);
          EXPECT_GE(got.version, version) << "node " << i;
        }
      }
    }
    for (int i = 1; i <= 3; ++i) EXPECT_EQ(digest(i), ring) << "node " << i;
  }
};

TEST_F(CutLinks, F5_AOneWayCutIsWorkedAroundByAThirdNode) {
  start();
  warm({key_of(1), key_of(2)});
  begin_load({.reads_per_second = 150, .changes_per_second = 8});
  begin_fault("one-way cut");
  nodes().cut(1, 2);
  expect_service_as_usual();
  nodes().mend();
  end_fault();
  EXPECT_TRUE(nodes().wait_until_whole(recovered)) << nodes().logs();
  end_load();
}

TEST_F(CutLinks, F6_TwoNodesApartThatBothHearAThirdStayMembers) {
  start();
  warm({key_of(1), key_of(2)});
  begin_load({.reads_per_second = 150, .changes_per_second = 8});
  begin_fault("cut of a pair");
  nodes().cut_both(1, 2);
  expect_service_as_usual();
  nodes().mend();
  end_fault();
  EXPECT_TRUE(nodes().wait_until_whole(recovered)) << nodes().logs();
  end_load();
}

class Loss : public FaultTest, public ::testing::WithParamInterface<int> {};

TEST_P(Loss, F10_ALittleLossEjectsNobody) {
  start();
  const auto ring = digest(1);
  begin_load({.reads_per_second = 150, .changes_per_second = 8});
  begin_fault("loss");
  for (int i = 1; i <= 3; ++i) {
    for (int j = 1; j <= 3; ++j) {
      if (i != j) nodes().lose(i, j, GetParam() / 100.0);
    }
  }
  const auto until = history_clock::now() + 5s;
  while (history_clock::now() < until) {
    for (int i = 1; i <= 3; ++i) {
      if (GetParam() == 1) {
        EXPECT_TRUE(nodes().sees(i, 3)) << nodes().logs();
      }
      EXPECT_EQ(digest(i), ring);
    }
    pass(100ms);
  }
  nodes().mend();
  end_fault();
  EXPECT_TRUE(nodes().wait_until_whole(recovered)) << nodes().logs();
  end_load();
}

INSTANTIATE_TEST_SUITE_P(Percent, Loss, ::testing::Values(1, 5));

class Pair : public FaultTest {};

TEST_F(Pair, TwoNodesApartPassThroughUntilTheyMeetAgain) {
  start({.nodes = 2});
  const auto one = key_of(1);
  const auto other = key_of(2);
  warm({one, other});
  begin_load({.reads_per_second = 150, .changes_per_second = 8});
  begin_fault("two apart");
  nodes().cut_both(1, 2);
  for (int i = 1; i <= 2; ++i) {
    const auto passes_through = [&] {
      const auto got = read(i, i == 1 ? one : other);
      return got.status == 200 && !got.is_cached;
    };
    EXPECT_TRUE(eventually(passes_through, lease_and_rounds)) << "node " << i;
  }
  const auto [answer, version] = change(1, one);
  EXPECT_TRUE(answer.status == 200 || answer.status == 202) << answer.body;
  for (int i = 1; i <= 2; ++i) {
    const auto got = read(i, one);
    EXPECT_EQ(got.status, 200);
    EXPECT_FALSE(got.is_cached);
    EXPECT_GE(got.version, version);
  }
  nodes().mend();
  end_fault();
  EXPECT_TRUE(nodes().wait_until_whole(recovered)) << nodes().logs();
  for (int i = 1; i <= 2; ++i) EXPECT_GE(read(i, one).version, version);
  end_load();
}

TEST_F(Pair, WithOneOfTwoFrozenTheOtherPassesThroughAndConfirms) {
  start({.nodes = 2});
  const auto key = key_of(1);
  warm({key});
  nodes().freeze(2);
  const auto [answer, version] = change(1, key);
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_LE(answer.took, lease_and_rounds);
  auto sent = ask_at_once(2, key, 10, 10s);
  pass(50ms);
  nodes().thaw(2);
  for (auto& each : sent) {
    const auto got = value_of(each.get());
    if (answer.status == 200 && got.status == 200) {
      EXPECT_GE(got.version, version);
    }
  }
  EXPECT_TRUE(nodes().wait_until_whole(recovered)) << nodes().logs();
}

}  // namespace
}  // namespace weir::test
