// Slots that come and go: what their new owners get from the former ones.

#include "tests/sim/world/sim_cluster.hpp"

#include <gtest/gtest.h>

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

constexpr int keys = 40;

class HandOverTest : public ::testing::Test {
 protected:
  void read_all(std::size_t at, std::size_t owner) {
    for (int i = 0; i != keys; ++i) {
      ASSERT_EQ(nodes_.get(at, nodes_.key_of(owner, i)).end, request_end::value);
    }
  }

  std::size_t loads_of(std::size_t owner) {
    std::size_t sum = 0;
    for (int i = 0; i != keys; ++i) sum += nodes_.loads(nodes_.key_of(owner, i));
    return sum;
  }

  /// Slots that `node` has in the ring of `seen_by`.
  std::size_t slots(std::size_t seen_by, std::size_t node) {
    const auto ring = nodes_.at(seen_by).ring();
    std::size_t count = 0;
    for (std::uint16_t slot = 0; slot != slot_count; ++slot) {
      count += ring->owner(slot).id == cluster::id_of(node) ? 1 : 0;
    }
    return count;
  }

  bool all_give_slots_to(std::size_t node) {
    if (!nodes_.views_agree()) return false;
    return slots(0, node) != 0;
  }

  std::optional<std::size_t> hand_over(std::size_t node) {
    auto taken = std::make_shared<std::optional<std::size_t>>();
    auto& env = nodes_.environment(node);
    env.run([&] {
      nodes_.at(node).hand_over(env.now() + 5s, [taken](std::size_t count) { *taken = count; });
    });
    nodes_.run_until([&] { return taken->has_value(); }, 6s);
    return *taken;
  }

  cluster nodes_{{.nodes = 3, .seed = 7}};
};

TEST_F(HandOverTest, NewOwnersTakeWhatOneThatLeavesHasKept) {
  ASSERT_TRUE(nodes_.run_until([&] { return all_give_slots_to(2); }, 5s));
  read_all(2, 2);
  ASSERT_EQ(loads_of(2), keys);
  EXPECT_EQ(hand_over(2), keys);
  EXPECT_EQ(slots(0, 2), 0u);
  EXPECT_EQ(slots(2, 2), 0u);
  read_all(2, 2);  // it serves on, by asking the others
  nodes_.leave(2);
  nodes_.run_for(100ms);
  nodes_.kill(2);
  read_all(0, 2);
  read_all(1, 2);
  EXPECT_EQ(loads_of(2), keys);
}

TEST_F(HandOverTest, WhatChangedMeanwhileIsNotTakenOver) {
  ASSERT_TRUE(nodes_.run_until([&] { return all_give_slots_to(2); }, 5s));
  const auto key = nodes_.key_of(2);
  read_all(2, 2);
  hand_over(2);
  ASSERT_EQ(nodes_.invalidate(1, key).end, request_end::ok);
  EXPECT_EQ(nodes_.get(0, key).end, request_end::value);
  EXPECT_EQ(nodes_.loads(key), 2u);
}

TEST_F(HandOverTest, AJoinerAsksTheFormerOwnersBeforeTheSource) {
  ASSERT_TRUE(nodes_.run_until([&] { return all_give_slots_to(2); }, 5s));
  nodes_.kill(2);
  nodes_.run_for(45s);  // until it has left the ring
  ASSERT_EQ(slots(0, 2), 0u);
  read_all(0, 2);
  const auto before = loads_of(2);
  nodes_.restart(2);
  ASSERT_TRUE(nodes_.run_until([&] { return all_give_slots_to(2); }, 5s));
  nodes_.run_for(100ms);
  read_all(1, 2);
  EXPECT_EQ(loads_of(2), before);
}

TEST_F(HandOverTest, ANodeTakesNoSlotsBeforeItsFirstLease) {
  ASSERT_TRUE(nodes_.run_until([&] { return all_give_slots_to(2); }, 5s));
  nodes_.kill(2);
  nodes_.run_for(45s);
  nodes_.cut(0, 2);
  nodes_.cut(1, 2);
  nodes_.restart(2);
  nodes_.run_for(5s);
  EXPECT_EQ(slots(0, 2), 0u);
  EXPECT_EQ(slots(1, 2), 0u);
  nodes_.mend(0, 2);
  nodes_.mend(1, 2);
  EXPECT_TRUE(nodes_.run_until([&] { return all_give_slots_to(2); }, 20s));
}

TEST_F(HandOverTest, ANodeThatComesBackAfterALongTimeTogetherIsNotTakenForSilent) {
  for (const duration away : {5s, 8s, 11s, 14s, 17s}) {
    nodes_.run_for(40s);
    nodes_.leave(2);
    nodes_.run_for(1200ms);
    nodes_.kill(2);
    nodes_.run_for(away);
    nodes_.restart(2);
    nodes_.run_for(5s);
    EXPECT_TRUE(nodes_.at(2).lease().is_valid);
    EXPECT_EQ(nodes_.at(2).changes().lease_losses, 0u);
  }
}

// Discovery that names addresses only lets a node meet the others one by one. The views that it has
// meanwhile could be let go of by nobody but itself and those few.
class NewcomerTest : public testing::TestWithParam<int> {
 protected:
  static constexpr std::size_t newcomer = 3;

  NewcomerTest() {
    nodes_.run_for(6s);
    nodes_.set_candidates(newcomer, {0, newcomer});
    nodes_.start(newcomer);
    nodes_.run_for(milliseconds(GetParam()));
    nodes_.set_candidates(newcomer, {0, 1, 2, newcomer});
  }

  static cluster_options options() {
    cluster_options out{.nodes = 4, .seed = 1, .start_nodes = 3};
    out.knows_late_nodes = false;
    out.knows_ids = false;
    return out;
  }

  /// Nobody waits for it any more, and another one can go.
  void expect_no_trace() {
    for (std::size_t node = 0; node != newcomer; ++node) {
      EXPECT_EQ(nodes_.at(node).lease().views, 1u) << "n" << node;
      EXPECT_TRUE(nodes_.at(node).lease().is_valid) << nodes_.at(node).lease().why;
    }
    nodes_.kill(2);
    nodes_.run_for(8s);
    EXPECT_TRUE(nodes_.at(0).lease().is_valid) << nodes_.at(0).lease().why;
  }

  cluster nodes_{options()};
};

TEST_P(NewcomerTest, LeavesNoViewBehindWhenItLeavesAtOnce) {
  nodes_.run_for(200ms);
  nodes_.leave(newcomer);
  nodes_.run_for(50ms);
  nodes_.kill(newcomer);
  nodes_.run_for(14s);
  expect_no_trace();
}

TEST_P(NewcomerTest, LeavesNoViewBehindWhenItIsKilledAtOnce) {
  nodes_.run_for(5ms);
  nodes_.kill(newcomer);
  nodes_.run_for(50s);  // more than the 30 s of silence after which it is removed
  expect_no_trace();
}

INSTANTIATE_TEST_SUITE_P(
    after,
    NewcomerTest,
    testing::Values(1, 20, 100, 300, 600, 1000, 1500, 2000),
    [](const auto& each) { return std::to_string(each.param) + "ms"; }
);

}  // namespace
}  // namespace weir::sim
