// How long changes take, and what nodes may serve, while others are frozen or out of reach: exact,
// under virtual time and with the worst clocks.

#include "tests/sim/world/sim_cluster.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace weir::sim {

namespace {

cluster_options cluster_with(std::size_t nodes) {
  cluster_options options;
  options.nodes = nodes;
  keyspace_options users;
  users.name = "users";
  users.writes = writes::allow;
  users.near_memory = 4u << 20;
  options.keyspaces = {users};
  return options;
}

class ProtocolTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  std::unique_ptr<cluster> start(std::size_t count) {
    cluster_options options = cluster_with(count);
    options.seed = GetParam();
    auto made = std::make_unique<cluster>(std::move(options));
    made->run_for(4s);
    return made;
  }

  static duration time_of(const request_record& of) { return of.ended - of.started; }

  static void keep_near(cluster& on, std::size_t node, const std::string& key) {
    for (int i = 0; i != 4; ++i) {
      on.get(node, key);
      on.run_for(10ms);
    }
    ASSERT_TRUE(on.keyspace(node).peek(key)) << key << " at n" << node;
  }
};

INSTANTIATE_TEST_SUITE_P(clocks, ProtocolTest, testing::Range<std::uint64_t>(1, 11));

TEST_P(ProtocolTest, InAHealthyClusterAnInvalidationIsOkAtOnce) {
  const auto nodes = start(3);
  for (int i = 0; i != 30; ++i) {
    const request_record change = nodes->invalidate(i % 3, "k" + std::to_string(i));
    EXPECT_EQ(change.end, request_end::ok);
    EXPECT_LT(time_of(change), 50ms);
  }
}

TEST_P(
    ProtocolTest, WithOneOfThreeFrozenAnInvalidationIsOkWithin3500MillisecondsAndLaterOnesAtOnce
) {
  const auto nodes = start(3);
  const std::string key = nodes->key_of(1);
  keep_near(*nodes, 2, key);
  nodes->freeze(2);
  nodes->source().write("users", key);
  const request_record first = nodes->invalidate(0, key);
  EXPECT_EQ(first.end, request_end::ok);
  EXPECT_LE(time_of(first), 3500ms);
  for (int i = 0; i != 10; ++i) {
    nodes->run_for(100ms);
    nodes->source().write("users", key);
    const request_record later = nodes->invalidate(i % 2, key);
    EXPECT_EQ(later.end, request_end::ok);
    EXPECT_LT(time_of(later), 50ms) << i;
  }
  nodes->thaw(2);
  EXPECT_EQ(nodes->get(2, key).label->version, nodes->source().version("users", key));
  EXPECT_FALSE(nodes->is_broken());
}

TEST_P(ProtocolTest, WithTheOwnerFrozenAnInvalidationIsOkWithin3500Milliseconds) {
  const auto nodes = start(3);
  const std::string key = nodes->key_of(1);
  keep_near(*nodes, 2, key);
  nodes->freeze(1);
  nodes->source().write("users", key);
  const request_record first = nodes->invalidate(0, key);
  EXPECT_EQ(first.end, request_end::ok);
  EXPECT_LE(time_of(first), 3500ms);
  EXPECT_EQ(nodes->get(2, key).label->version, 2u);
  nodes->run_for(1s);
  const request_record later = nodes->invalidate(2, key);
  EXPECT_EQ(later.end, request_end::ok);
  EXPECT_LT(time_of(later), 400ms);
  nodes->thaw(1);
  EXPECT_EQ(nodes->get(1, key).label->version, 2u);
  nodes->run_for(10s);
  EXPECT_EQ(nodes->get(1, key).label->version, 2u);
  EXPECT_FALSE(nodes->is_broken());
}

TEST_P(ProtocolTest, RemovalsNeverWaitForRunningLoads) {
  const auto nodes = start(3);
  source_habits slow;
  slow.mean_time = 10'000s;
  slow.longest_time = 1500ms;
  nodes->source().set_habits(slow);
  const std::string key = nodes->key_of(1);
  std::vector<std::uint64_t> reads;
  for (std::size_t node = 0; node != 3; ++node) reads.push_back(nodes->start(node, {.key = key}));
  nodes->run_for(100ms);
  for (const request_kind kind : {request_kind::remove, request_kind::invalidate}) {
    const request_record change = nodes->run(0, {.kind = kind, .key = key});
    EXPECT_EQ(change.end, request_end::ok);
    EXPECT_LT(time_of(change), 50ms) << name(kind);
  }
  EXPECT_EQ(nodes->outcome(reads[0]).endings, 0);
}

TEST_P(ProtocolTest, AfterAThawNoStaleValueIsServedByAnybody) {
  const auto nodes = start(5);
  std::vector<std::string> keys;
  for (int i = 0; i != 10; ++i) keys.push_back("k" + std::to_string(i));
  for (std::size_t node = 0; node != 5; ++node)
    for (int times = 0; times != 3; ++times)
      for (const std::string& key : keys) nodes->get(node, key);
  nodes->freeze(4);
  for (const std::string& key : keys) {
    nodes->source().write("users", key);
    nodes->start(0, {.kind = request_kind::invalidate, .key = key});
  }
  nodes->run_for(4s);
  // The reads wait at the frozen node and are the first thing it does.
  std::vector<std::uint64_t> reads;
  for (const std::string& key : keys) reads.push_back(nodes->start(4, {.key = key}));
  nodes->thaw(4);
  nodes->run_for(3s);
  for (const std::uint64_t number : reads) EXPECT_EQ(nodes->outcome(number).label->version, 2u);
  EXPECT_FALSE(nodes->is_broken());
}

TEST_P(
    ProtocolTest, OfTwoNodesTheSurvivorPassesThroughAndItsInvalidationsAreOkAfterTheOthersLease
) {
  const auto nodes = start(2);
  nodes->run_for(5s);  // they settle: before that half of those named is not enough
  const std::string mine = nodes->key_of(0);
  const std::string other = nodes->key_of(1);
  nodes->get(0, mine);
  keep_near(*nodes, 1, mine);
  nodes->freeze(1);
  nodes->run_for(3300ms);  // 3.13 s on the slowest clock, and what was on the wire
  EXPECT_FALSE(nodes->at(0).lease().is_valid);
  const std::size_t loads = nodes->loads(mine);
  EXPECT_EQ(nodes->get(0, mine).end, request_end::value);
  EXPECT_EQ(nodes->get(0, mine).end, request_end::value);
  EXPECT_EQ(nodes->loads(mine), loads + 2) << "it passes through";
  nodes->source().write("users", mine);
  const request_record change = nodes->invalidate(0, mine);
  EXPECT_EQ(change.end, request_end::ok);
  EXPECT_LE(time_of(change), 400ms) << "the other has had no lease for a while";
  EXPECT_EQ(nodes->get(0, other).end, request_end::value);
  nodes->thaw(1);
  EXPECT_EQ(nodes->get(1, mine).label->version, 2u);
  nodes->run_for(5s);
  EXPECT_TRUE(nodes->at(0).lease().is_valid);
  EXPECT_TRUE(nodes->at(1).lease().is_valid);
  EXPECT_FALSE(nodes->is_broken());
}

TEST_P(ProtocolTest, AMinorityNeverServesWhatItKeeps) {
  const auto nodes = start(5);
  const std::string key = nodes->key_of(0);
  keep_near(*nodes, 1, key);
  for (const std::size_t a : {0u, 1u})
    for (const std::size_t b : {2u, 3u, 4u}) nodes->cut_both(a, b);
  nodes->run_for(3200ms);
  for (const std::size_t node : {0u, 1u}) {
    EXPECT_FALSE(nodes->at(node).lease().is_valid);
    EXPECT_FALSE(nodes->keyspace(node).peek(key));
  }
  for (const std::size_t node : {2u, 3u, 4u}) EXPECT_TRUE(nodes->at(node).lease().is_valid);
  nodes->source().write("users", key);
  const request_record change = nodes->invalidate(3, key);
  EXPECT_EQ(change.end, request_end::ok);
  EXPECT_EQ(nodes->get(1, key).label->version, 2u);
  nodes->run_for(60s);
  EXPECT_FALSE(nodes->at(0).lease().is_valid) << "a minority must not remove its way to a lease";
}

TEST_P(ProtocolTest, ALoneNodeHasItsLeaseAtOnceAndAnUnansweredOneHasNone) {
  cluster_options options = cluster_with(1);
  options.seed = GetParam();
  cluster lone(options);
  lone.run_for(1ms);
  EXPECT_TRUE(lone.at(0).lease().is_valid);
  EXPECT_TRUE(lone.at(0).lease().is_lone);
  lone.kill(0);
  lone.restart(0, 10s);
  lone.run_for(5s);
  EXPECT_FALSE(lone.at(0).lease().is_valid);
  EXPECT_EQ(lone.get(0, "k").end, request_end::value);
  EXPECT_FALSE(lone.get(0, "k").was_answered_from_cache());
  lone.run_for(6s);
  EXPECT_TRUE(lone.at(0).lease().is_valid);
}

}  // namespace

}  // namespace weir::sim
