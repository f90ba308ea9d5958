// When a node that has just started is settled, and what that is good for.

#include "engine/agreement/electorate.hpp"
#include "tests/sim/world/sim_cluster.hpp"

#include <gtest/gtest.h>

namespace weir::sim {
namespace {

using namespace std::chrono_literals;

constexpr duration heartbeat = 1100ms;

class SettlingTest : public testing::Test {
 protected:
  static cluster_options options() {
    cluster_options out{.nodes = 3, .seed = 11};
    out.most_ppm = 0;
    return out;
  }

  bool has_slots(std::size_t node) { return nodes_.at(node).settling().has_had_slots; }

  bool is_settled(std::size_t node) {
    return has_slots(node) && nodes_.at(node).settling().is_relied_on;
  }

  /// All keep something, which a node that has just started must respect.
  void keep_something() {
    for (std::size_t node = 0; node != nodes_.size(); ++node) {
      const auto key = nodes_.key_of(node);
      ASSERT_EQ(nodes_.get(node, key).end, request_end::value);
    }
  }

  void go(std::size_t node) {
    nodes_.leave(node);
    nodes_.run_for(1200ms);
    nodes_.kill(node);
  }

  duration until(const std::function<bool()>& holds) {
    const auto from = nodes_.now();
    return nodes_.run_until(holds, 60s) ? nodes_.now() - from : duration(60s);
  }

  std::size_t lost_leases() {
    std::size_t sum = 0;
    for (std::size_t node = 0; node != nodes_.size(); ++node)
      if (nodes_.is_up(node)) sum += nodes_.at(node).changes().lease_losses;
    return sum;
  }

  cluster nodes_{options()};
};

TEST_F(SettlingTest, NodesThatStartTogetherAreSettledAtOnce) {
  EXPECT_LE(until([&] { return is_settled(0) && is_settled(1) && is_settled(2); }), 500ms);
}

TEST_F(SettlingTest, ALoneNodeIsSettledAtOnce) {
  cluster alone{{.nodes = 1, .seed = 1}};
  alone.run_for(1ms);
  EXPECT_TRUE(alone.at(0).settling().has_had_slots);
  EXPECT_TRUE(alone.at(0).settling().is_relied_on);
}

TEST_F(SettlingTest, OneThatComesBackHasItsSlotsFirstAndIsReliedOnLater) {
  nodes_.run_for(5s);
  keep_something();
  go(2);
  nodes_.restart(2);
  const auto slots = until([&] { return has_slots(2); });
  EXPECT_GE(slots, 1s);
  EXPECT_LE(slots, 1500ms);
  const auto relied_on = slots + until([&] { return is_settled(2); });
  EXPECT_GE(relied_on, lease_ended_everywhere);
  EXPECT_LE(relied_on, lease_ended_everywhere + heartbeat);
}

TEST_F(SettlingTest, WhatItHadOnceStays) {
  nodes_.run_for(5s);
  nodes_.kill(0);
  nodes_.kill(1);
  nodes_.run_for(10s);
  ASSERT_FALSE(nodes_.at(2).lease().is_valid);
  EXPECT_TRUE(has_slots(2));
}

TEST_F(SettlingTest, WithoutAMajorityThereIsNoSlotToHave) {
  nodes_.run_for(5s);
  for (std::size_t node = 0; node != 3; ++node) nodes_.kill(node);
  nodes_.restart(2);
  nodes_.run_for(40s);
  EXPECT_FALSE(has_slots(2));
}

TEST_F(SettlingTest, ARestartOfAllOneByOneCostsNobodyItsLease) {
  nodes_.run_for(5s);
  keep_something();
  for (int round = 0; round != 3; ++round) {
    for (std::size_t node = 0; node != 3; ++node) {
      go(node);
      nodes_.restart(node);
      ASSERT_LE(until([&] { return is_settled(node); }), 5s);
      EXPECT_EQ(lost_leases(), 0u) << "n" << node << " in round " << round;
      keep_something();
    }
  }
}

}  // namespace
}  // namespace weir::sim
