// How soon the others go round a node that is frozen or killed, as those who read notice it: 5
// trials, or 50 with WEIR_SOAK=1.

#include "tests/support/cluster/fault_fixture.hpp"
#include "tests/support/waiting.hpp"

#include <algorithm>

namespace weir::test {
namespace {

constexpr int size = 5;  // each node is the victim once in a cluster's life: relapses take longer
constexpr milliseconds slow = 100ms;

/// What one trial found, from the signal on.
struct detection {
  milliseconds told{0};     ///< until every other node called the victim unreachable
  milliseconds noticed{0};  ///< until the last read at them that failed or was slow had ended
  milliseconds lag{0};      ///< how late the reader itself was at most
  std::size_t reads = 0;
  std::size_t held_up = 0;  ///< reads that were slow
  std::size_t failed = 0;

  milliseconds until_routed_around() const { return std::max(told, noticed); }
};

milliseconds in_ms(history_clock::duration time) {
  return std::chrono::ceil<milliseconds>(time);
}

bool has_value(const request_record& one) {
  return one.result == outcome::value;
}

class Detection : public FaultTest {
 protected:
  using deed = void (process_cluster::*)(int);

  // Every node in turn, in as many clusters as it takes.
  std::vector<detection> run(deed strike, deed restore) {
    const std::size_t trials = is_soak() ? 50 : 5;
    std::vector<detection> out;
    while (out.size() < trials && !HasFailure()) {
      cluster_options options{.nodes = size};
      options.keyspaces =  // no near copies: every read of its keys asks for the victim
          "  - {name: things, ttl: 60s, source: {type: http, url: "
          "\"http://{origin}/things/{key}\"}}\n";
      start(options);
      for (int victim = size; victim != 0 && !HasFailure(); --victim) {
        out.push_back(run_one(victim, strike));
        (nodes().*restore)(victim);
        EXPECT_TRUE(nodes().wait_until_whole(recovered)) << nodes().logs();
      }
    }
    return out;
  }

  detection run_one(int victim, deed strike) {
    driver_options load{.reads_per_second = 400, .changes_per_second = 0, .keys = 100};
    load.nodes = nodes().http_addresses();
    load.sources = process_cluster::client_addresses();
    load.written = {};
    load.read_timeout = 10s;  // whoever asked in vain is answered when the victim is given up
    load.is_asked = [victim](int node) { return node != victim; };
    load_driver driver(load, origin());
    wait_for_reads(driver, 100);
    const auto struck = history_clock::now();
    (nodes().*strike)(victim);
    const auto told = wait_until_told(victim);
    wait_for_reads(driver, 100);
    const auto seen = driver.stop();
    detection out{.told = in_ms(told - struck)};
    out.lag = in_ms(seen.lag_between(struck, history_clock::now()));
    for (const auto& each : seen.requests) {
      if (each.end < struck) continue;
      ++out.reads;
      const bool is_held_up = each.end - each.begin > slow;
      if (is_held_up) ++out.held_up;
      if (!has_value(each)) ++out.failed;
      if (is_held_up || !has_value(each)) {
        out.noticed = std::max(out.noticed, in_ms(each.end - struck));
      }
    }
    return out;
  }

  static void wait_for_reads(const load_driver& driver, std::size_t more) {
    const auto before = driver.count(has_value);
    const auto are_done = [&] { return driver.count(has_value) >= before + more; };
    EXPECT_TRUE(eventually(are_done, 10s));
  }

  time_point wait_until_told(int victim) {
    std::vector<int> waiting;
    for (int i = 1; i <= size; ++i) {
      if (i != victim) waiting.push_back(i);
    }
    const auto are_told = [&] {
      std::erase_if(waiting, [&](int node) {
        return member_field(node, victim, "state") == "\"unreachable\"";
      });
      return waiting.empty();
    };
    EXPECT_TRUE(eventually(are_told, 20s)) << nodes().logs();
    return history_clock::now();
  }

  // Prints every trial, and compares the 99th percentile, of few trials the worst.
  static void judge(const char* title, std::vector<detection> found, milliseconds bound) {
    if (found.empty()) return;
    milliseconds lag{0};
    std::size_t reads = 0;
    std::size_t held_up = 0;
    std::size_t failed = 0;
    std::string each_trial;
    for (const auto& each : found) {
      lag = std::max(lag, each.lag);
      reads += each.reads;
      held_up += each.held_up;
      failed += each.failed;
      each_trial +=
          " " + std::to_string(each.told.count()) + "/" + std::to_string(each.noticed.count());
    }
    const auto rank_of = [&](std::size_t percent) {  // the nearest rank
      std::vector<milliseconds> times;
      for (const auto& each : found) times.push_back(each.until_routed_around());
      std::sort(times.begin(), times.end());
      return times[(times.size() * percent + 99) / 100 - 1];
    };
    std::printf(
        "detection: %s: %zu trials, routed around after p50 %lld, p99 %lld, max %lld ms; reader "
        "late by %lld "
        "ms at most; of %zu reads %zu over %lld ms, %zu failed; all told/last slow read:%s\n",
        title,
        found.size(),
        static_cast<long long>(rank_of(50).count()),
        static_cast<long long>(rank_of(99).count()),
        static_cast<long long>(rank_of(100).count()),
        static_cast<long long>(lag.count()),
        reads,
        held_up,
        static_cast<long long>(slow.count()),
        failed,
        each_trial.c_str()
    );
    EXPECT_LE(rank_of(99), 2 * bound + lag);
  }
};

TEST_F(Detection, AFrozenNodeIsRoutedAround) {
  const auto found = run(&process_cluster::freeze, &process_cluster::thaw);
  judge("frozen", found, 3700ms);
  for (const auto& each : found) EXPECT_EQ(each.failed, 0);  // gutter nodes are asked meanwhile
  EXPECT_GE(logged("peer.unreachable"), size * (size - 1));
}

TEST_F(Detection, AKilledNodeIsRoutedAround) {
  const auto found = run(&process_cluster::kill, &process_cluster::restart);
  judge("killed", found, 500ms);
  for (const auto& each : found) EXPECT_EQ(each.failed, 0);
}

}  // namespace
}  // namespace weir::test
