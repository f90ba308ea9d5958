#include "tests/sim/world/sim_cluster.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace weir::sim {

namespace {

/// Three nodes that have found each other; the source takes its time only where a test says so.
struct ClusterTest : testing::Test {
  void SetUp() override { cluster_.run_for(3s); }

  void let_loads_take(duration time) {
    source_habits habits = cluster_.source().habits();
    habits.mean_time = 1000 * time;  // cut off: every load takes just about `time`
    habits.longest_time = time;
    cluster_.source().set_habits(habits);
  }

  std::vector<std::uint64_t> get_everywhere(const std::string& key, int times) {
    std::vector<std::uint64_t> numbers;
    for (int i = 0; i != times; ++i)
      numbers.push_back(cluster_.start(i % cluster_.size(), {.key = key}));
    return numbers;
  }

  bool are_answered(const std::vector<std::uint64_t>& numbers) {
    return std::all_of(numbers.begin(), numbers.end(), [&](std::uint64_t n) {
      return cluster_.outcome(n).endings > 0;
    });
  }

  void expect_values(const std::vector<std::uint64_t>& numbers) {
    for (const std::uint64_t n : numbers) {
      const request_record& of = cluster_.outcome(n);
      EXPECT_EQ(of.end, request_end::value) << "at n" << of.node << ": " << of.error.message();
      EXPECT_EQ(of.endings, 1);
      EXPECT_TRUE(of.is_intact);
    }
  }

  std::uint64_t version_read(std::size_t node, const std::string& key) {
    const request_record read = cluster_.get(node, key);
    EXPECT_EQ(read.end, request_end::value) << read.error.message();
    return read.label ? read.label->version : 0;
  }

  cluster cluster_;
};

TEST_F(ClusterTest, NodesFindEachOtherAndAgree) {
  EXPECT_TRUE(cluster_.views_agree());
  for (std::size_t a = 0; a != 3; ++a) {
    EXPECT_EQ(cluster_.at(a).ring()->size(), 3u);
    for (std::size_t b = 0; b != 3; ++b) EXPECT_TRUE(a == b || cluster_.reaches(a, b));
  }
}

TEST_F(ClusterTest, AThousandConcurrentGetsCauseOneLoad) {
  const std::string key = cluster_.key_of(1);
  const auto numbers = get_everywhere(key, 1000);
  EXPECT_TRUE(cluster_.run_until([&] { return are_answered(numbers); }, 5s));
  expect_values(numbers);
  EXPECT_EQ(cluster_.loads(key), 1u);
}

TEST_F(ClusterTest, TheOwnerAnswersFromItsStoreAndOthersKeepNothing) {
  const std::string key = cluster_.key_of(1);
  EXPECT_FALSE(cluster_.get(0, key).was_answered_from_cache());
  EXPECT_TRUE(cluster_.get(0, key).was_answered_from_cache());
  EXPECT_TRUE(cluster_.get(1, key).was_answered_from_cache());
  EXPECT_FALSE(cluster_.keyspace(0).peek(key));
  EXPECT_TRUE(cluster_.keyspace(1).peek(key));
  EXPECT_EQ(cluster_.loads(key), 1u);
}

TEST_F(ClusterTest, AnOwnerKilledWhileItLoadsCostsOneMoreLoadAtTheGutterNode) {
  const std::string key = cluster_.key_between(1, 2);
  let_loads_take(300ms);
  std::vector<std::uint64_t> numbers;
  for (int i = 0; i != 100; ++i) numbers.push_back(cluster_.start(i % 2 * 2, {.key = key}));
  cluster_.run_for(100ms);
  cluster_.kill(1);
  const instant killed = cluster_.now();
  EXPECT_TRUE(cluster_.run_until([&] { return are_answered(numbers); }, 5s));
  expect_values(numbers);
  EXPECT_LE(cluster_.loads(key), 2u);
  EXPECT_LE(cluster_.now() - killed, 300ms + 200ms);
  EXPECT_EQ(cluster_.source().loads().back().node, 2u);
}

TEST_F(ClusterTest, ReadsOfADeadOwnersKeysGoOnAtTheGutterNode) {
  const std::string key = cluster_.key_between(1, 2);
  cluster_.get(0, key);
  cluster_.kill(1);
  for (int i = 0; i != 50; ++i) {
    EXPECT_EQ(cluster_.get(i % 2 * 2, key).end, request_end::value);
    cluster_.run_for(20ms);
  }
  EXPECT_EQ(cluster_.loads(key), 2u);
}

TEST_F(ClusterTest, AFrozenOwnerIsNoticedByProbesWithin3700Milliseconds) {
  for (const std::size_t frozen : {1u, 2u}) {
    cluster_.freeze(frozen);
    const instant begun = cluster_.now();
    EXPECT_TRUE(cluster_.run_until([&] { return !cluster_.reaches(0, frozen); }, 10s));
    EXPECT_LE(cluster_.now() - begun, 3700ms);
    cluster_.thaw(frozen);
    EXPECT_TRUE(cluster_.run_until([&] { return cluster_.reaches(0, frozen); }, 30s));
  }
}

TEST_F(ClusterTest, WhatWaitsForAFrozenOwnerGoesToTheGutterNodeWithTheTimeLeft) {
  const std::string key = cluster_.key_between(1, 2);
  cluster_.freeze(1);
  const request_record read = cluster_.get(0, key);
  EXPECT_EQ(read.end, request_end::value) << read.error.message();
  EXPECT_LE(read.ended - read.started, 4s);
  EXPECT_LE(cluster_.get(0, key).ended - read.ended, 10ms);
}

TEST_F(ClusterTest, AThawedNodeServesItsOwnClientsAgain) {
  const std::string key = cluster_.key_of(1);
  cluster_.get(1, key);
  cluster_.freeze(1, 6s);
  const request_record read = cluster_.run(1, {.key = key, .timeout = 20s});
  EXPECT_EQ(read.end, request_end::value);
  EXPECT_TRUE(cluster_.run_until([&] { return cluster_.reaches(0, 1); }, 30s));
  EXPECT_TRUE(cluster_.get(0, key).was_answered_from_cache());
}

TEST_F(ClusterTest, AKilledNodeComesBackByItselfAsAnotherIncarnationAndEmpty) {
  const std::string key = cluster_.key_of(1);
  cluster_.get(0, key);
  const std::uint64_t first_life = cluster_.at(1).self().incarnation;
  const auto first_digest = cluster_.at(0).view_digest();
  cluster_.kill(1);
  EXPECT_TRUE(cluster_.run_until([&] { return !cluster_.reaches(0, 1); }, 1s));
  cluster_.run_for(2s);
  cluster_.restart(1);
  EXPECT_NE(cluster_.at(1).self().incarnation, first_life);
  EXPECT_TRUE(cluster_.run_until(
      [&] { return cluster_.reaches(0, 1) && cluster_.reaches(2, 1) && cluster_.views_agree(); },
      10s
  ));
  EXPECT_NE(cluster_.at(0).view_digest(), first_digest);
  const auto has_its_slots = [&] {
    return cluster_.views_agree() &&
           cluster_.at(0).ring()->owner(slot_of("users", key)).id == cluster::id_of(1);
  };
  EXPECT_TRUE(cluster_.run_until(has_its_slots, 8s));
  const std::size_t before = cluster_.loads(key);
  EXPECT_EQ(cluster_.get(0, key).end, request_end::value);
  EXPECT_EQ(cluster_.loads(key), before + 1);
  EXPECT_EQ(cluster_.source().loads().back().node, 1u);
}

TEST_F(ClusterTest, PowerLossIsNoticedByProbes) {
  cluster_.kill(2, going_down::machine);
  EXPECT_TRUE(cluster_.run_until([&] { return !cluster_.reaches(0, 2); }, 3700ms));
  EXPECT_EQ(cluster_.get(0, cluster_.key_of(2)).end, request_end::value);
}

TEST_F(ClusterTest, ANodeCutOffFromAllPassesThrough) {
  const std::string theirs = cluster_.key_of(1);
  const std::string own = cluster_.key_of(0);
  cluster_.get(0, own);
  cluster_.cut_both(0, 1);
  cluster_.cut_both(0, 2);
  cluster_.run_for(5s);
  EXPECT_EQ(cluster_.get(0, theirs).end, request_end::value);
  EXPECT_EQ(cluster_.get(0, theirs).end, request_end::value);
  EXPECT_EQ(cluster_.loads(theirs), 2u) << "a value that was passed through was kept";
  EXPECT_EQ(cluster_.get(0, own).end, request_end::value);
  cluster_.heal();
  EXPECT_TRUE(cluster_.run_until(
      [&] { return cluster_.reaches(0, 1) && cluster_.reaches(1, 0) && cluster_.reaches(2, 0); },
      20s
  ));
  cluster_.get(0, theirs);
  EXPECT_TRUE(cluster_.get(0, theirs).was_answered_from_cache());
}

TEST_F(ClusterTest, AOneWayCutIsRoutedAround) {
  cluster_.cut(0, 1);
  const std::string key = cluster_.key_between(1, 2);
  EXPECT_EQ(cluster_.get(0, key).end, request_end::value);
  cluster_.run_for(5s);
  const request_record read = cluster_.get(0, key);
  EXPECT_EQ(read.end, request_end::value);
  EXPECT_LE(read.ended - read.started, 100ms);
}

TEST_F(ClusterTest, AReadAfterAnInvalidationSeesTheNewValueEverywhere) {
  const std::string key = cluster_.key_of(1);
  for (std::size_t node = 0; node != 3; ++node) {
    const std::uint64_t before = version_read(node, key);
    const std::uint64_t written = cluster_.source().write("users", key);
    EXPECT_EQ(version_read(node, key), before) << "nobody was told yet";
    EXPECT_EQ(cluster_.invalidate(node, key).end, request_end::ok);
    for (std::size_t reader = 0; reader != 3; ++reader)
      EXPECT_EQ(version_read(reader, key), written);
  }
}

TEST_F(ClusterTest, AnInvalidationOvertakesARunningLoadAndStartsAtMostOneMore) {
  const std::string key = cluster_.key_of(1);
  let_loads_take(500ms);
  const auto early = get_everywhere(key, 30);
  cluster_.run_for(490ms);  // the value is read by now
  const std::uint64_t written = cluster_.source().write("users", key);
  ASSERT_EQ(cluster_.invalidate(2, key).end, request_end::ok);
  std::vector<std::uint64_t> late;  // at the nodes that know: the owner and the writer
  for (int i = 0; i != 30; ++i) late.push_back(cluster_.start(1 + i % 2, {.key = key}));
  EXPECT_TRUE(cluster_.run_until([&] { return are_answered(early) && are_answered(late); }, 5s));
  expect_values(early);
  expect_values(late);
  for (const std::uint64_t n : late) EXPECT_EQ(cluster_.outcome(n).label->version, written);
  EXPECT_EQ(cluster_.loads(key), 2u);
  EXPECT_EQ(version_read(0, key), written);
}

TEST_F(ClusterTest, PutAndRemoveAreSeenOnEveryNode) {
  const std::string key = cluster_.key_of(2);
  EXPECT_EQ(cluster_.run(0, {.kind = request_kind::put, .key = key}).end, request_end::ok);
  for (std::size_t node = 0; node != 3; ++node) {
    const request_record read = cluster_.get(node, key);
    ASSERT_EQ(read.end, request_end::value);
    EXPECT_EQ(read.label->made_by, maker::put);
  }
  EXPECT_EQ(cluster_.run(1, {.kind = request_kind::remove, .key = key}).end, request_end::ok);
  for (std::size_t node = 0; node != 3; ++node)
    EXPECT_EQ(cluster_.get(node, key).end, request_end::not_found);
  EXPECT_EQ(cluster_.loads(key), 0u);
}

TEST_F(ClusterTest, APutUnderAPreconditionConflictsAfterAChange) {
  const std::string key = cluster_.key_of(1);
  const request_record read = cluster_.get(0, key);
  cluster_.invalidate(2, key);
  const auto since = precondition::if_unchanged(read.version);
  const request_record put =
      cluster_.run(0, {.kind = request_kind::put, .key = key, .condition = since});
  EXPECT_EQ(put.error, errc::conflict);
  const request_record again = cluster_.get(0, key);
  const auto current = precondition::if_unchanged(again.version);
  EXPECT_EQ(
      cluster_.run(0, {.kind = request_kind::put, .key = key, .condition = current}).end,
      request_end::ok
  );
}

TEST_F(ClusterTest, ClearDropsEverythingOnEveryNode) {
  std::vector<std::string> keys;
  for (std::size_t node = 0; node != 3; ++node) keys.push_back(cluster_.key_of(node));
  for (const std::string& key : keys) cluster_.get(0, key);
  EXPECT_EQ(cluster_.run(1, {.kind = request_kind::clear, .key = ""}).end, request_end::ok);
  for (const std::string& key : keys) {
    cluster_.get(0, key);
    EXPECT_EQ(cluster_.loads(key), 2u);
  }
}

TEST_F(ClusterTest, AnInvalidationNeedsNoOwnerOnceItsLeaseHasRunOut) {
  const std::string key = cluster_.key_between(1, 2);
  cluster_.get(0, key);
  cluster_.kill(1);
  cluster_.run_for(1s);
  const request_record change = cluster_.invalidate(0, key);
  EXPECT_EQ(change.end, request_end::ok);
  EXPECT_LE(change.ended - change.started, 2500ms);
}

TEST_F(ClusterTest, ASourceThatThrowsFailsEveryWaiterOnceAndIsAskedAgain) {
  const std::string key = cluster_.key_of(1);
  source_habits habits;
  habits.throws = 1;
  cluster_.source().set_habits(habits);
  const auto numbers = get_everywhere(key, 60);
  EXPECT_TRUE(cluster_.run_until([&] { return are_answered(numbers); }, 10s));
  for (const std::uint64_t n : numbers) {
    EXPECT_EQ(cluster_.outcome(n).error, errc::source_failed);
    EXPECT_EQ(cluster_.outcome(n).endings, 1);
  }
  EXPECT_EQ(cluster_.loads(key), 1u);
  cluster_.source().set_habits({});
  EXPECT_EQ(cluster_.get(0, key).end, request_end::value);
}

TEST_F(ClusterTest, ASourceThatHangsEndsInDeadlineExceededAndTheKeyWorksAgain) {
  const std::string key = cluster_.key_of(1);
  source_habits habits;
  habits.hangs = 1;
  habits.hang_time = 60s;
  cluster_.source().set_habits(habits);
  const auto numbers = get_everywhere(key, 6);
  EXPECT_TRUE(cluster_.run_until([&] { return are_answered(numbers); }, 5200ms));
  for (const std::uint64_t n : numbers)
    EXPECT_EQ(cluster_.outcome(n).error, errc::deadline_exceeded);
  cluster_.source().set_habits({});
  EXPECT_EQ(cluster_.get(2, key).end, request_end::value);
}

TEST_F(ClusterTest, ATooLargeValueIsRefusedAndNotKept) {
  const std::string key = cluster_.key_of(1);
  source_habits habits;
  habits.too_much = 1;
  cluster_.source().set_habits(habits);
  EXPECT_EQ(cluster_.get(0, key).error, errc::too_large);
  EXPECT_EQ(cluster_.get(1, key).error, errc::too_large);
  EXPECT_EQ(cluster_.loads(key), 2u);
}

TEST_F(ClusterTest, ANodeThatLeavesIsTakenOffTheRings) {
  cluster_.leave(2);
  EXPECT_TRUE(cluster_.run_until(
      [&] { return cluster_.at(0).ring()->size() == 2 && cluster_.at(1).ring()->size() == 2; }, 3s
  ));
  cluster_.kill(2);
  const std::string key = cluster_.key_of(2);
  EXPECT_EQ(cluster_.get(0, key).end, request_end::value);
  EXPECT_EQ(cluster_.get(1, key).end, request_end::value);
  EXPECT_EQ(cluster_.loads(key), 1u);
}

TEST(JoiningClusterTest, AJoinerIsInEveryViewWithinThreeSeconds) {
  cluster nodes({.nodes = 3, .seed = 4, .start_nodes = 2});
  nodes.set_candidates(0, {0, 1});
  nodes.set_candidates(1, {0, 1});
  nodes.run_for(5s);
  EXPECT_TRUE(nodes.views_agree());
  EXPECT_EQ(nodes.at(0).ring()->size(), 2u);
  nodes.set_candidates(0, {0, 1, 2});
  nodes.set_candidates(1, {0, 1, 2});
  nodes.start(2);
  EXPECT_TRUE(
      nodes.run_until([&] { return nodes.views_agree() && nodes.at(0).ring()->size() == 3; }, 3s)
  );
  const std::string key = nodes.key_of(2);
  for (std::size_t node = 0; node != 3; ++node)
    EXPECT_EQ(nodes.get(node, key).end, request_end::value);
  EXPECT_EQ(nodes.loads(key), 1u);
}

// Two nodes with other numbers of points on their rings never agree, so each believes of some keys
// that the other owns them.
struct QuarrelTest : testing::Test {
  QuarrelTest()
      : nodes({.nodes = 2, .seed = 5, .but = [](std::size_t node, engine_options& options) {
                 options.ring.vnodes = node == 0 ? 512 : 64;
               }}) {
    nodes.run_for(3s);
  }

  std::string key_that_nobody_wants() {
    for (int i = 0;; ++i) {
      const std::string key = "q" + std::to_string(i);
      if (nodes.at(0).place_of("users", key).owner == "n1" &&
          nodes.at(1).place_of("users", key).owner == "n0")
        return key;
    }
  }

  cluster nodes;
};

TEST_F(QuarrelTest, ARequestIsNeverSentInACircle) {
  if (nodes.at(0).ring()->size() != 2 || nodes.at(1).ring()->size() != 2)
    GTEST_SKIP() << "nodes with other ring settings refuse each other";
  const std::string key = key_that_nobody_wants();
  const auto before = nodes.wires().counts().messages;
  const request_record read = nodes.get(0, key);
  EXPECT_EQ(read.end, request_end::value) << read.error.message();
  EXPECT_EQ(read.from.detail, served_detail::passthrough);
  EXPECT_LE(read.ended - read.started, 250ms);
  EXPECT_LE(nodes.wires().counts().messages - before, 12u);
  EXPECT_EQ(nodes.get(0, key).end, request_end::value);
  EXPECT_EQ(nodes.loads(key), 2u) << "kept by a node that does not own it";
}

}  // namespace

}  // namespace weir::sim
