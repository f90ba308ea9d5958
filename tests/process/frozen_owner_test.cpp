// What one frozen node costs those who read its keys at the others, and that a slow source alone
// costs nothing: 2,000 reads a second, a source of 10 ms, a deadline of 1 s.

#include "tests/support/cluster/fault_fixture.hpp"
#include "tests/support/waiting.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>

namespace weir::test {
namespace {

constexpr int victim = 2;
constexpr std::size_t keys = 300;
constexpr auto frozen_for = 8s;  // less than a gutter copy lives

class FrozenOwner : public FaultTest {
 protected:
  void start_nodes(int count) {
    cluster_options options{.nodes = count};
    options.keyspaces =  // no near copies: every read of its keys asks for the victim
        "  - {name: things, ttl: 300s, source: {type: http, url: "
        "\"http://{origin}/things/{key}\"}}\n";
    start(options);
    origin().take(10ms);
    for (std::size_t n = 0; n != keys; ++n) owners_[key(n)] = 0;
    for (int owner = 1; owner <= count; ++owner)
      for (int n = 0;; ++n) {
        const auto found = owners_.find(key_of(owner, n));
        if (found == owners_.end()) break;
        found->second = owner;
      }
  }

  static std::string key(std::size_t n) { return "things/k" + std::to_string(n); }

  /// The sum of a counter over the nodes that run.
  double metric(const std::string& sample) {
    double sum = 0;
    for (int node = 1; node <= nodes().size(); ++node) {
      if (node == victim && is_frozen_) continue;
      const auto text = nodes().ask(node, "/metrics");
      const auto at = text.find("\n" + sample + " ");
      if (at == std::string::npos) continue;
      sum += std::atof(text.c_str() + at + sample.size() + 2);
    }
    return sum;
  }

  static std::string hedged(const std::string& outcome) {
    return "weir_hedged_total{outcome=\"" + outcome + "\"}";
  }

  void play(int count);

  std::map<std::string, int> owners_;
  bool is_frozen_ = false;
};

void FrozenOwner::play(int count) {
  start_nodes(count);
  for (const auto& [each, owner] : owners_) read(1, each);
  driver_options load{.reads_per_second = 2000, .changes_per_second = 0, .keys = keys};
  load.nodes = nodes().http_addresses();
  load.sources = process_cluster::client_addresses();
  load.written = {};
  load.read_timeout = 1000ms;
  load.is_asked = [](int node) { return node != victim; };
  load_driver driver(load, origin());
  pass(2s);
  const auto sent_before = metric(hedged("won")) + metric(hedged("lost"));
  const auto loads_before = origin().log().size();
  const auto struck = history_clock::now();
  nodes().freeze(victim);
  is_frozen_ = true;
  pass(frozen_for);
  const auto loads = origin().log();
  const double won = metric(hedged("won"));
  const double lost = metric(hedged("lost"));
  const double refused = metric(hedged("refused"));
  const double redirected = metric(hedged("redirected"));
  const double suspicions = metric("weir_peer_suspicions_total");
  std::size_t at_once = 0;
  for (const auto& [each, owner] : owners_)
    at_once = std::max(at_once, origin().most_at_once(each, struck));
  const auto seen = driver.stop();
  nodes().thaw(victim);

  std::size_t needing = 0;
  std::size_t failed = 0;
  milliseconds longest{0};
  milliseconds longest_of_others{0};
  for (const auto& each : seen.requests) {
    if (each.begin < struck) continue;
    const bool needs = owners_[each.key] == victim;
    needing += needs ? 1 : 0;
    if (each.result != outcome::value) ++failed;
    auto& most = needs ? longest : longest_of_others;
    most = std::max(most, std::chrono::ceil<milliseconds>(each.end - each.begin));
  }
  std::map<std::string, std::size_t> loads_of;
  std::size_t of_others = 0;
  std::size_t of_victim = 0;
  for (std::size_t i = loads_before; i != loads.size(); ++i) {
    ++loads_of[loads[i].key];
    ++(owners_[loads[i].key] == victim ? of_victim : of_others);
  }
  std::size_t most_loads = 0;
  for (const auto& [each, owner] : owners_) {
    if (owner == victim) most_loads = std::max(most_loads, loads_of[each]);
  }
  const auto lag = std::chrono::ceil<milliseconds>(seen.lag_between(struck, history_clock::now()));
  std::printf(
      "frozen owner: 1 of %d for %lld s: %zu reads need it, longest %lld ms (of other keys %lld), "
      "%zu failed; loads of other keys %zu, of its keys %zu, of one at most %zu, %zu at once; "
      "hedges won %.0f, lost %.0f, refused %.0f, redirected %.0f, suspicions %.0f, before %.0f; "
      "reader late by %lld ms at most\n",
      count,
      static_cast<long long>(std::chrono::seconds(frozen_for).count()),
      needing,
      static_cast<long long>(longest.count()),
      static_cast<long long>(longest_of_others.count()),
      failed,
      of_others,
      of_victim,
      most_loads,
      at_once,
      won,
      lost,
      refused,
      redirected,
      suspicions,
      sent_before,
      static_cast<long long>(lag.count())
  );
  EXPECT_GT(needing, 1000u);
  EXPECT_EQ(failed, 0u);
  EXPECT_LE(longest, 400ms + 2 * lag);
  EXPECT_LE(most_loads, 1u);
  EXPECT_LE(at_once, 1u);
  EXPECT_EQ(suspicions, count - 1);
}

TEST_F(FrozenOwner, OneOfThreeCostsItsReadersUpTo400Milliseconds) {
  play(3);
}

TEST_F(FrozenOwner, OneOfFiveCostsItsReadersUpTo400Milliseconds) {
  play(5);
}

TEST_F(FrozenOwner, ASlowSourceIsNoSilence) {
  start_nodes(3);
  origin().take(1000ms);
  const auto before = origin().log().size();
  constexpr std::size_t asked = 30;
  std::vector<answers> all;
  for (std::size_t n = 0; n != asked; ++n)
    for (int node = 1; node <= 3; ++node) all.push_back(ask_at_once(node, key(n), 4, 5s));
  for (auto& some : all)
    for (auto& each : some) EXPECT_EQ(each.get().status, 200);
  const double hedges = metric(hedged("won")) + metric(hedged("lost"));
  const auto loads = origin().log().size() - before;
  std::printf(
      "slow source: 1 s: %zu reads of %zu keys at 3 nodes: %.0f hedges, %zu loads\n",
      all.size() * 4,
      asked,
      hedges,
      loads
  );
  EXPECT_EQ(hedges, 0);
  EXPECT_EQ(loads, asked);
}

}  // namespace
}  // namespace weir::test
