// Members whom discovery names no more, such as pods that terminate: they stay as long as they
// answer, and go quickly then.

#include "engine/agreement/electorate.hpp"
#include "tests/sim/world/sim_cluster.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t going = 3;
constexpr duration silence = 5s;         // of one whom nobody names, until it is gone
constexpr duration rounds = 2 * 1100ms;  // of heartbeats: to notice, and to tell the others

class DroppedMemberTest : public testing::Test {
 protected:
  void SetUp() override {
    nodes_.run_for(6s);
    ASSERT_TRUE(nodes_.views_agree());
    ASSERT_TRUE(in_ring(0));
  }

  void drop_everywhere() {
    for (std::size_t at = 0; at != going; ++at) nodes_.drop_candidate(at, going);
  }

  /// Whether `at` gives slots to the one that goes.
  bool in_ring(std::size_t at) {
    const auto& members = nodes_.at(at).ring()->members();
    return std::any_of(members.begin(), members.end(), [](const member& each) {
      return each.id == cluster::id_of(going) && each.weight != 0;
    });
  }

  bool in_any_ring() { return in_ring(0) || in_ring(1) || in_ring(2); }

  /// The others count themselves only, in one view.
  bool is_removed() {
    for (std::size_t at = 0; at != going; ++at) {
      const auto lease = nodes_.at(at).lease();
      if (lease.members != 3 || lease.views != 1) return false;
    }
    return true;
  }

  std::size_t lost_leases() {
    std::size_t sum = 0;
    for (std::size_t at = 0; at != going; ++at) sum += nodes_.at(at).changes().lease_losses;
    return sum;
  }

  /// How long it takes until `holds`; 60 s when it never does.
  duration until(const std::function<bool()>& holds) {
    const auto from = nodes_.now();
    return nodes_.run_until(holds, 60s) ? nodes_.now() - from : duration(60s);
  }

  cluster nodes_{{.nodes = 4, .seed = 5}};
};

TEST_F(DroppedMemberTest, StaysWhereItIsWhileItAnswers) {
  const auto view = nodes_.common_view();
  drop_everywhere();
  for (int i = 0; i != 400; ++i) {
    nodes_.run_for(100ms);
    ASSERT_EQ(nodes_.common_view(), view) << "after " << i << " looks";
    ASSERT_TRUE(nodes_.reaches(0, going) && nodes_.reaches(going, 0));
  }
  EXPECT_TRUE(nodes_.at(going).lease().is_valid);
  EXPECT_EQ(nodes_.at(0).lease().members, 4u);
  EXPECT_EQ(lost_leases() + nodes_.at(going).changes().lease_losses, 0u);
}

TEST_F(DroppedMemberTest, ServesItsKeysMeanwhile) {
  const auto key = nodes_.key_of(going);
  ASSERT_EQ(nodes_.get(0, key).end, request_end::value);
  drop_everywhere();
  nodes_.run_for(10s);
  EXPECT_EQ(nodes_.get(1, key).end, request_end::value);
  EXPECT_EQ(nodes_.loads(key), 1u);
}

TEST_F(DroppedMemberTest, LeavesWithItsGoodbye) {
  drop_everywhere();
  nodes_.run_for(10s);
  nodes_.leave(going);
  EXPECT_LE(until([&] { return !in_any_ring(); }), 100ms);
  nodes_.run_for(50ms);
  nodes_.kill(going);
  EXPECT_LE(until([&] { return is_removed(); }), 2 * lease_ended_everywhere);
  EXPECT_EQ(lost_leases(), 0u);
}

TEST_F(DroppedMemberTest, IsGoneSoonAfterItWasKilled) {
  drop_everywhere();
  nodes_.run_for(10s);
  nodes_.kill(going);
  EXPECT_LE(until([&] { return !in_any_ring(); }), silence + rounds);
  EXPECT_LE(until([&] { return is_removed(); }), rounds + 2 * lease_ended_everywhere);
  EXPECT_EQ(lost_leases(), 0u);
}

TEST_F(DroppedMemberTest, IsGoneSoonAfterItFroze) {
  drop_everywhere();
  nodes_.run_for(10s);
  nodes_.freeze(going);
  EXPECT_LE(until([&] { return !in_any_ring(); }), 3500ms + silence + rounds);
  EXPECT_LE(until([&] { return is_removed(); }), rounds + 2 * lease_ended_everywhere);
  EXPECT_EQ(lost_leases(), 0u);
}

TEST_F(DroppedMemberTest, OneThatDiedBeforeLeavesTheRingAtOnce) {
  nodes_.kill(going);
  nodes_.run_for(3s);
  ASSERT_TRUE(in_ring(0));
  drop_everywhere();
  EXPECT_LE(until([&] { return !in_any_ring(); }), 10ms);
  EXPECT_LE(until([&] { return is_removed(); }), silence + rounds + 2 * lease_ended_everywhere);
}

TEST_F(DroppedMemberTest, HasAllItsTimeAgainOnceItIsNamedAgain) {
  drop_everywhere();
  nodes_.run_for(10s);
  for (std::size_t at = 0; at != going; ++at) nodes_.name_candidate(at, going);
  nodes_.run_for(1s);
  nodes_.kill(going);
  nodes_.run_for(25s);
  EXPECT_TRUE(in_ring(0) && in_ring(1) && in_ring(2));
  EXPECT_EQ(nodes_.at(0).lease().members, 4u);
}

}  // namespace
}  // namespace weir::sim
