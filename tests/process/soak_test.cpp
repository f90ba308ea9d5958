// Mixed faults on five real nodes under a load that is recorded whole: 30 s, five minutes when
// WEIR_SOAK=1, or as many seconds as a larger WEIR_SOAK says.

#include "tests/support/cluster/history_check.hpp"
#include "tests/support/cluster/load_driver.hpp"
#include "tests/support/cluster/process_cluster.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <poll.h>
#include <random>

namespace weir::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr int nodes = 5;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const auto* const text = std::getenv(variable);
  return text == nullptr || *text == '\0' ? otherwise : std::strtoull(text, nullptr, 10);
}

void pass(milliseconds time) {
  ::poll(nullptr, 0, static_cast<int>(time.count()));
}

// One fault after another, drawn from a seed; each is ended before the next begins.
class mixed_faults {
 public:
  mixed_faults(process_cluster& cluster, std::uint64_t seed) : cluster_(cluster), random_(seed) {}

  void run_one() {
    const auto victim = any_node();
    auto other = any_node();
    while (other == victim) other = any_node();
    const milliseconds time(1500 + random_() % 2500);
    switch (next_kind()) {
      case 0:
        cluster_.kill(victim);
        begin("kill n" + std::to_string(victim));
        pass(time);
        cluster_.restart(victim);
        return end();
      case 1:
        cluster_.freeze(victim);
        begin("freeze n" + std::to_string(victim));
        pass(time * 3 / 2);
        cluster_.thaw(victim);
        return end();
      case 2:
        begin("one-way cut " + std::to_string(victim) + " to " + std::to_string(other));
        cluster_.cut(victim, other);
        break;
      case 3:
        begin("3+2");
        part({victim, other}, cut_by::drop);
        pass(2s);
        break;
      case 4:
        begin("slow links of n" + std::to_string(victim));
        toxic(victim, {.latency = 40ms, .jitter = 60ms});
        break;
      case 5:
        begin("links of n" + std::to_string(victim) + " stop reading");
        toxic(victim, {.stops_reading = true});
        break;
      case 6:
        begin("black hole behind n" + std::to_string(victim));
        for (int i = 1; i <= nodes; ++i) {
          if (i != victim) cluster_.link(victim, i).set(direction::forth, {.black_hole = true});
        }
        break;
      case 7:
        begin("links of n" + std::to_string(victim) + " are reset again and again");
        toxic(victim, {.reset_after = 2000 + random_() % 4000});
        break;
      case 8:
        begin("3+2 with resets");
        part({victim, other}, cut_by::reset);
        break;
      case 9:
        begin("the source fails");
        cluster_.origin().fail(true);
        pass(time / 2);
        cluster_.origin().fail(false);
        end();
        failures_.push_back(done_.back().span);
        failures_.back().end += 250ms;  // answers on their way
        return;
      case 10:
        begin("damaged bytes on links of n" + std::to_string(victim));
        damage(victim, time);
        heal();
        return end();
      default:
        begin("drain of n" + std::to_string(victim));
        cluster_.drain(victim);
        cluster_.restart(victim);
        return end();
    }
    pass(time);
    heal();
    end();
  }

  std::vector<fault_record> done() { return std::move(done_); }

  std::optional<std::uint64_t> damages_found() const { return damages_found_; }

  std::vector<time_span> source_failures() { return std::move(failures_); }

 private:
  static constexpr std::size_t kinds = 12;

  // Every kind once per round, in an order of its own.
  std::size_t next_kind() {
    if (round_.empty()) {
      for (std::size_t i = 0; i != kinds; ++i) round_.push_back(i);
      std::shuffle(round_.begin(), round_.end(), random_);
    }
    const auto next = round_.back();
    round_.pop_back();
    return next;
  }

  void heal() {
    cluster_.mend();
    for (int i = 1; i <= nodes; ++i) {
      for (int j = 1; j <= nodes; ++j) {
        if (i != j) cluster_.link(i, j).heal();
      }
    }
  }

  int any_node() { return static_cast<int>(1 + random_() % nodes); }

  void begin(std::string kind) { done_.push_back({std::move(kind), {history_clock::now()}}); }

  void end() { done_.back().span.end = history_clock::now(); }

  void toxic(int victim, const toxics& how) {
    for (int i = 1; i <= nodes; ++i) {
      if (i == victim) continue;
      cluster_.link(victim, i).set(direction::forth, how);
      cluster_.link(i, victim).set(direction::back, how);
    }
  }

  // One bit per connection and direction, again and again, in frames of any kind and in handshakes.
  void damage(int victim, milliseconds time) {
    const auto until = history_clock::now() + time;
    while (history_clock::now() < until) {
      toxic(victim, {.corrupt_at = random_() % 4000});
      pass(250ms);
    }
    damages_found_ = 0;
    for (int i = 1; i <= nodes; ++i) *damages_found_ += checksum_faults(i);
  }

  // What a node counted since it started.
  std::uint64_t checksum_faults(int node) {
    const std::string name = "weir_link_faults_total{cause=\"checksum\"} ";
    const auto text = cluster_.ask(node, "/metrics");
    const auto at = text.find(name);
    return at == std::string::npos ? 0
                                   : std::strtoull(text.c_str() + at + name.size(), nullptr, 10);
  }

  void part(const std::vector<int>& minority, cut_by how) {
    for (int i = 1; i <= nodes; ++i) {
      for (const int j : minority) {
        if (std::find(minority.begin(), minority.end(), i) == minority.end()) {
          cluster_.cut_both(i, j, how);
        }
      }
    }
  }

  process_cluster& cluster_;
  std::mt19937_64 random_;
  std::vector<std::size_t> round_;
  std::vector<fault_record> done_;
  std::vector<time_span> failures_;
  std::optional<std::uint64_t> damages_found_;
};

TEST(SoakTest, FiveNodesUnderMixedFaultsServeNothingStaleAndLoseNothing) {
  if (const auto why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
  const auto seed = number_from("WEIR_SOAK_SEED", 1);
  const auto asked = number_from("WEIR_SOAK", 0);
  const std::chrono::seconds lasting(asked == 0 ? 30 : asked == 1 ? 300 : asked);
  const auto near = process_cluster::near_copies();
  process_cluster cluster({
      .nodes = nodes,
      .via = links::proxied,
      .keyspaces =
          "  - {name: things, ttl: 60s, " + near +
          "source: {type: http, url: "
          "\"http://{origin}/things/{key}\"}}\n"
          "  - {name: brief, ttl: 2s, source: {type: http, url: \"http://{origin}/brief/{key}\"}}\n"
          "  - {name: notes, ttl: 60s, " +
          near +
          "writes: allow, source: {type: "
          "http, url: "
          "\"http://{origin}/notes/{key}\"}}\n",
      .seed = seed,
  });
  ASSERT_TRUE(cluster.wait_until_whole()) << cluster.logs();
  cluster.origin().take(3ms);

  load_driver driver(
      {.nodes = cluster.http_addresses(),
       .sources = process_cluster::client_addresses(),
       .invalidated = {"things", "brief"},
       .written = {"notes"},
       .seed = seed},
      cluster.origin()
  );
  mixed_faults faults(cluster, seed);
  const auto until = history_clock::now() + lasting;
  pass(2s);
  while (history_clock::now() < until) {
    faults.run_one();
    pass(2s);
  }
  auto seen = driver.stop();
  seen.faults = faults.done();
  seen.source_failures = faults.source_failures();
  seen.down = cluster.down();

  const auto found = check(seen, {.ttl = {{"things", 60s}, {"brief", 2s}, {"notes", 60s}}});
  const auto numbers = summarize(seen);
  std::printf(
      "soak: %d nodes, %lld s, seed %llu\n",
      nodes,
      static_cast<long long>(lasting.count()),
      static_cast<unsigned long long>(seed)
  );
  for (std::size_t i = 0; i != seen.faults.size(); ++i) {
    const auto& [kind, span] = seen.faults[i];
    const auto& after = numbers.recoveries[i];
    const auto lasted = std::chrono::duration_cast<milliseconds>(span.end - span.begin);
    std::printf(
        "soak: %s for %lld ms, over %lld ms later with %.*s at n%d\n",
        kind.c_str(),
        static_cast<long long>(lasted.count()),
        static_cast<long long>(after.time.count()),
        static_cast<int>(after.lacked.size()),
        after.lacked.data(),
        after.node
    );
  }
  print("soak", numbers, found);
  if (const auto damages = faults.damages_found()) {
    std::printf("soak: %llu damaged frames found\n", static_cast<unsigned long long>(*damages));
    if (lasting >= 60s) {  // half a minute may damage nothing that counts
      EXPECT_GE(*damages, 1);
    }
  }
  EXPECT_EQ(found.stale_after_ok, 0);
  EXPECT_EQ(found.lost, 0);
  EXPECT_EQ(found.all(), 0);
  EXPECT_LE(found.most_loads_at_once, 2);
  EXPECT_GE(numbers.cached_during, 0.30);
  EXPECT_GE(numbers.ok_during, 0.50);
}

}  // namespace
}  // namespace weir::test
