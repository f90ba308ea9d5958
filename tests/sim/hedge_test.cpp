// Reads whose owner is silent: how long they take, what they cost the source, and that an owner
// that merely loads for long is left alone. Exact, under virtual time and with the worst clocks.

#include "tests/sim/world/sim_cluster.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>
#include <vector>

namespace weir::sim {

namespace {

constexpr std::size_t frozen = 1;

cluster_options cluster_with(std::size_t nodes, std::uint64_t seed) {
  cluster_options options;
  options.nodes = nodes;
  options.seed = seed;
  keyspace_options pages;
  pages.name = "pages";
  pages.ttl = 60s;
  options.keyspaces = {pages};
  return options;
}

class HedgeTest : public testing::TestWithParam<std::uint64_t> {
 protected:
  std::unique_ptr<cluster> start(
      std::size_t nodes, const std::function<void(cluster_options&)>& but = {}
  ) {
    auto options = cluster_with(nodes, GetParam());
    if (but) but(options);
    auto made = std::make_unique<cluster>(std::move(options));
    made->run_for(4s);
    return made;
  }

  /// The source takes exactly so long, or up to so long.
  static void source_takes(cluster& on, duration exactly) {
    source_habits habits;
    habits.mean_time = 10'000s;
    habits.longest_time = exactly;
    on.source().set_habits(habits);
  }

  static std::vector<std::string> keys_of(cluster& on, std::size_t owner, int count) {
    std::vector<std::string> keys;
    for (int i = 0; i != count; ++i) keys.push_back(on.key_of(owner, i));
    return keys;
  }

  /// `node` knows how fast `owner` is.
  static void get_used_to(cluster& on, std::size_t node, std::size_t owner) {
    for (int i = 0; i != 40; ++i) on.get(node, on.key_of(owner, i % 10));
    on.run_for(600ms);
  }

  static hedge_stats hedges(cluster& on) {
    hedge_stats sum;
    for (std::size_t i = 0; i != on.size(); ++i) {
      const auto one = on.at(i).hedges();
      sum.sent += one.sent;
      sum.won += one.won;
      sum.refused += one.refused;
      sum.redirected += one.redirected;
      sum.suspicions += one.suspicions;
      sum.suspects += one.suspects;
    }
    return sum;
  }

  static duration time_of(const request_record& of) { return of.ended - of.started; }
};

INSTANTIATE_TEST_SUITE_P(clocks, HedgeTest, testing::Range<std::uint64_t>(1, 6));

TEST_P(HedgeTest, ALoneReadOfASilentOwnerAsksTheGutterNodeAfter20Milliseconds) {
  const auto nodes = start(3);
  source_takes(*nodes, 10ms);
  get_used_to(*nodes, 0, frozen);
  const std::string key = nodes->key_between(frozen, 2);
  nodes->get(0, key);
  nodes->freeze(frozen);
  const request_record read = nodes->get(0, key);
  EXPECT_EQ(read.end, request_end::value);
  EXPECT_GE(time_of(read), 19ms);
  EXPECT_LE(time_of(read), 40ms) << "20 ms, a load of 10 ms, and the wires";
  EXPECT_EQ(read.from.node, "n2");
  EXPECT_EQ(read.from.detail, served_detail::gutter);
  EXPECT_FALSE(read.version);
  EXPECT_EQ(hedges(*nodes).won, 1u);
  const request_record again = nodes->get(0, key);
  EXPECT_LE(time_of(again), 30ms) << "the gutter node keeps it";
  EXPECT_EQ(nodes->loads(key), 2u);
}

TEST_P(HedgeTest, AGutterNodeAsksItself) {
  const auto nodes = start(3);
  source_takes(*nodes, 10ms);
  get_used_to(*nodes, 0, frozen);
  const std::string key = nodes->key_between(frozen, 0);
  const std::size_t loads = nodes->loads(key);
  nodes->freeze(frozen);
  const request_record read = nodes->get(0, key);
  EXPECT_EQ(read.end, request_end::value);
  EXPECT_LE(time_of(read), 40ms);
  EXPECT_LE(time_of(nodes->get(2, key)), 300ms);
  EXPECT_EQ(nodes->loads(key), loads + 1);
}

TEST_P(HedgeTest, AnOwnerThatLoadsIsNotSilent) {
  const auto nodes = start(3);
  for (std::size_t node : {0u, 2u}) get_used_to(*nodes, node, frozen);
  source_takes(*nodes, 1s);
  const std::string key = nodes->key_of(frozen, 20);
  std::vector<std::uint64_t> reads;
  for (std::size_t i = 0; i != 1000; ++i) reads.push_back(nodes->start(i % 3, {.key = key}));
  // Beside it, as much that nobody has asked for yet.
  for (int i = 30; i != 60; ++i)
    for (std::size_t node = 0; node != 3; ++node)
      nodes->start(node, {.key = nodes->key_of(i % 3, i)});
  nodes->run_for(4s);
  for (const auto number : reads) EXPECT_EQ(nodes->outcome(number).end, request_end::value);
  EXPECT_EQ(nodes->loads(key), 1u);
  for (int i = 30; i != 60; ++i) EXPECT_EQ(nodes->loads(nodes->key_of(i % 3, i)), 1u);
  const auto all = hedges(*nodes);
  EXPECT_EQ(all.sent, 0u);
  EXPECT_EQ(all.suspicions, 0u);
}

TEST_P(HedgeTest, ASuspectIsGoneAroundUntilItIsHeard) {
  const auto nodes = start(3);
  source_takes(*nodes, 10ms);
  get_used_to(*nodes, 0, frozen);
  nodes->freeze(frozen);
  std::vector<std::uint64_t> reads;
  for (const auto& key : keys_of(*nodes, frozen, 160))
    reads.push_back(nodes->start(0, {.key = key}));
  nodes->run_for(240ms);
  EXPECT_EQ(hedges(*nodes).sent, 100u) << "the budget";
  EXPECT_EQ(hedges(*nodes).suspicions, 0u);
  nodes->run_for(120ms);
  EXPECT_EQ(hedges(*nodes).suspects, 1u);
  for (const auto number : reads) {
    EXPECT_EQ(nodes->outcome(number).end, request_end::value);
    EXPECT_LE(time_of(nodes->outcome(number)), 320ms);
  }
  const request_record later = nodes->get(0, nodes->key_of(frozen, 200));
  EXPECT_LE(time_of(later), 20ms) << "it asks nobody else";
  EXPECT_GE(hedges(*nodes).redirected, 1u);
  nodes->thaw(frozen);
  nodes->run_for(50ms);
  const request_record after = nodes->get(0, nodes->key_of(frozen, 201));
  EXPECT_EQ(after.from.node, "n1");
  EXPECT_EQ(hedges(*nodes).suspects, 0u);
}

TEST_P(HedgeTest, WhatASuspectLoadedIsAskedElsewhereToo) {
  const auto nodes = start(3);
  get_used_to(*nodes, 0, frozen);
  source_takes(*nodes, 50ms);
  const std::string key = nodes->key_of(frozen, 20);
  const auto told = nodes->start(0, {.key = key});
  nodes->run_for(10ms);
  nodes->freeze(frozen);
  for (int i = 30; i != 40; ++i) nodes->start(0, {.key = nodes->key_of(frozen, i)});
  nodes->run_for(400ms);
  EXPECT_EQ(nodes->outcome(told).end, request_end::value);
  EXPECT_LE(time_of(nodes->outcome(told)), 350ms);
}

TEST_P(HedgeTest, SwitchedOffReadsWaitUntilTheOwnerIsRoutedAround) {
  const auto nodes =
      start(3, [](cluster_options& options) { options.engine.hedge.after = timespan(0ms); });
  get_used_to(*nodes, 0, frozen);
  nodes->freeze(frozen);
  EXPECT_GE(time_of(nodes->get(0, nodes->key_of(frozen))), 1500ms);
  EXPECT_EQ(hedges(*nodes).sent, 0u);
}

TEST_P(HedgeTest, WhereAPutLiesAtTheOwnerAloneItsReadsWait) {
  const auto nodes =
      start(3, [](cluster_options& options) { options.keyspaces[0].writes = writes::allow; });
  get_used_to(*nodes, 0, frozen);
  nodes->freeze(frozen);
  EXPECT_GE(time_of(nodes->get(0, nodes->key_of(frozen))), 1500ms);
  EXPECT_EQ(hedges(*nodes).sent, 0u);
}

TEST_P(HedgeTest, ABatchAsksTheGutterNodesToo) {
  const auto nodes = start(3);
  source_takes(*nodes, 10ms);
  get_used_to(*nodes, 0, frozen);
  std::vector<std::string> keys;
  for (std::size_t node = 0; node != 3; ++node)
    for (const auto& key : keys_of(*nodes, node, 30)) keys.push_back(key);
  nodes->freeze(frozen);
  const auto began = nodes->now();
  instant ended{0};
  std::size_t values = 0;
  auto read = [&]() -> asio::awaitable<void> {
    auto on = nodes->keyspace(0);
    const auto got = co_await on.async_get_many(keys);
    for (const auto& each : got) values += each ? 1 : 0;
    ended = nodes->now();
  };
  auto& env = nodes->environment(0);
  env.run([&] { asio::co_spawn(env.executor(), read(), asio::detached); });
  nodes->run_for(1s);
  EXPECT_EQ(values, keys.size());
  EXPECT_LE(ended - began, 60ms);
  EXPECT_EQ(hedges(*nodes).won, 1u) << "once, though n0 itself and n2 answered";
  for (const auto& key : keys_of(*nodes, frozen, 30)) EXPECT_LE(nodes->loads(key), 2u) << key;
}

/// 2,000 reads a second of 600 keys with a deadline of 1 s, asked of those who run.
struct burst {
  std::vector<std::uint64_t> numbers;
  std::size_t needing = 0;  ///< a key of the frozen node
  std::size_t failed = 0;
  duration longest{0};
};

burst read_around(cluster& on, const std::vector<std::string>& keys, duration time) {
  burst out;
  std::size_t asked = 0;
  for (duration after = 0ns; after < time; after += 500us) {
    if (++asked % on.size() == frozen) ++asked;
    const auto& key = keys[on.random().below(keys.size())];
    out.needing += on.owner(key) == frozen ? 1 : 0;
    auto read = [&on, &out, node = asked % on.size(), key] {
      out.numbers.push_back(on.start(node, {.key = key, .timeout = milliseconds(1000)}));
    };
    on.world().after(after, std::move(read));
  }
  on.run_for(time + 1200ms);
  for (const auto number : out.numbers) {
    const auto& read = on.outcome(number);
    out.failed += read.end == request_end::value ? 0 : 1;
    out.longest = std::max(out.longest, read.ended - read.started);
  }
  return out;
}

/// How many loads of a key ran at once at most, from `since` on.
std::size_t most_at_once(cluster& on, instant since) {
  std::size_t most = 0;
  for (const auto& load : on.source().loads()) {
    if (load.begun < since) continue;
    std::size_t beside = 0;
    for (const auto& other : on.source().loads())
      beside += other.key == load.key && other.begun <= load.begun && other.ended > load.begun;
    most = std::max(most, beside);
  }
  return most;
}

class FrozenOwnerTest : public HedgeTest {
 protected:
  void play(std::size_t count) {
    const auto nodes = start(count);
    source_habits habits;
    habits.longest_time = 10ms;
    nodes->source().set_habits(habits);
    std::vector<std::string> keys;
    for (int i = 0; i != 600; ++i) keys.push_back("k" + std::to_string(i));
    for (const auto& key : keys) nodes->start(0, {.key = key});
    read_around(*nodes, keys, 2s);
    const auto before = hedges(*nodes);
    const instant froze = nodes->now();
    nodes->freeze(frozen);
    const auto reads = read_around(*nodes, keys, 6s);
    const auto after = hedges(*nodes);
    std::multiset<std::string> alive, stood;
    for (const auto& load : nodes->source().loads()) {
      if (load.begun < froze) continue;
      (nodes->owner(load.key) == frozen ? stood : alive).insert(load.key);
    }
    std::size_t most = 0;
    for (const auto& key : stood) most = std::max(most, stood.count(key));
    std::printf(
        "%zu nodes, one frozen for 6 s: %zu reads, %zu of its keys, longest %.0f ms, failed %zu; "
        "loads of others' keys %zu, of its keys %zu, of one at most %zu; hedged %llu, redirected "
        "%llu, refused %llu\n",
        count,
        reads.numbers.size(),
        reads.needing,
        std::chrono::duration<double, std::milli>(reads.longest).count(),
        reads.failed,
        alive.size(),
        stood.size(),
        most,
        static_cast<unsigned long long>(after.sent - before.sent),
        static_cast<unsigned long long>(after.redirected - before.redirected),
        static_cast<unsigned long long>(after.refused - before.refused)
    );
    EXPECT_EQ(before.sent, 0u) << "in calm";
    EXPECT_EQ(reads.failed, 0u);
    EXPECT_LE(reads.longest, 400ms);
    EXPECT_EQ(alive.size(), 0u) << "they were kept";
    EXPECT_LE(most, 1u) << "in less than 10 s";
    EXPECT_EQ(most_at_once(*nodes, froze), 1u);
    EXPECT_FALSE(nodes->is_broken());
  }
};

INSTANTIATE_TEST_SUITE_P(clocks, FrozenOwnerTest, testing::Range<std::uint64_t>(1, 4));

TEST_P(FrozenOwnerTest, WithOneOfThreeFrozenReadsTakeUpTo400MillisecondsAndNoneFails) {
  play(3);
}

TEST_P(FrozenOwnerTest, WithOneOfFiveFrozenReadsTakeUpTo400MillisecondsAndNoneFails) {
  play(5);
}

}  // namespace

}  // namespace weir::sim
