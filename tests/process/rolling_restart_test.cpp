// Nodes that are replaced one after the other, as fast as they settle, while clients go on, behind
// a balancer that asks /readyz.

#include "tests/support/cluster/fault_fixture.hpp"

#include <array>
#include <atomic>
#include <thread>

namespace weir::test {
namespace {

/// Asks every node every 100 ms whether requests may be sent to it, as a balancer does.
class balancer {
 public:
  explicit balancer(process_cluster& of) : nodes_(of.http_addresses()) {
    thread_ = std::thread([this] {
      while (!is_stopping_) {
        for (std::size_t i = 0; i != nodes_.size(); ++i) {
          is_ready_[i] = http_call(nodes_[i], http_text("GET", "/readyz"), 500ms).status == 200;
        }
        std::this_thread::sleep_for(100ms);
      }
    });
  }

  ~balancer() {
    is_stopping_ = true;
    thread_.join();
  }

  bool is_ready(int node) const { return is_ready_[static_cast<std::size_t>(node - 1)]; }

 private:
  const std::vector<std::string> nodes_;
  std::array<std::atomic<bool>, 8> is_ready_{};
  std::atomic<bool> is_stopping_{false};
  std::thread thread_;
};

std::size_t loads_between(const history& of, time_point from, time_point until) {
  return static_cast<std::size_t>(std::count_if(
      of.loads.begin(),
      of.loads.end(),
      [&](const auto& each) { return each.begin >= from && each.begin < until; }
  ));
}

double per_second(std::size_t count, history_clock::duration time) {
  return static_cast<double>(count) / std::chrono::duration<double>(time).count();
}

class RollingRestart : public FaultTest, public testing::WithParamInterface<int> {
 protected:
  /// Short in the gate: TTL, and so the load of the source, is as short as the test.
  const std::chrono::seconds ttl_{is_soak() ? 60 : 10};
  const int rounds_ = is_soak() ? 5 : 1;

  void start_nodes() {
    cluster_options options;
    options.nodes = GetParam();
    options.keyspaces = "  - {name: things, ttl: " + std::to_string(ttl_.count()) + "s, " +
                        process_cluster::near_copies() +
                        "source: {type: http, timeout: 2s, "
                        "url: \"http://{origin}/things/{key}\"}}\n";
    start(std::move(options));
  }

  driver_options load_by(const balancer& front) {
    driver_options load;
    load.nodes = nodes().http_addresses();
    load.sources = process_cluster::client_addresses();
    load.reads_per_second = 400;
    load.changes_per_second = 4;
    load.keys = 600;
    load.written = {};
    load.is_asked = [&front](int node) { return front.is_ready(node); };
    return load;
  }

  bool is_settled(int node) {
    const auto asked = http_text("GET", "/readyz?settled");
    return http_call(nodes().http_address(node), asked, 2s).status == 200;
  }

  /// One after the other, each as soon as the one before is settled; returns how long that took at
  /// most.
  milliseconds restart_all() {
    milliseconds longest{0};
    for (int i = 1; i <= nodes().size(); ++i) {
      nodes().drain(i);
      nodes().restart(i);
      const auto began = history_clock::now();
      EXPECT_TRUE(eventually([&] { return is_settled(i); }, recovered)) << nodes().logs();
      const auto took = history_clock::now() - began;
      longest = std::max(longest, std::chrono::duration_cast<milliseconds>(took));
    }
    return longest;
  }
};

std::size_t count_failed(const history& of, time_point from) {
  std::size_t failed = 0;
  for (const auto& each : of.requests) {
    const bool is_good = each.result == outcome::value || each.result == outcome::ok;
    if (is_good || failed++ >= 10) continue;
    ADD_FAILURE() << (each.what == operation::read ? "read" : "change") << " of " << each.key
                  << " at node " << each.node << ": " << name(each.result) << " " << each.status
                  << " " << each.code << ", "
                  << std::chrono::duration_cast<milliseconds>(each.begin - from).count()
                  << " ms after the first restart began, took "
                  << std::chrono::duration_cast<milliseconds>(each.end - each.begin).count();
  }
  return failed;
}

TEST_P(RollingRestart, FailsNoRequestAndHardlyLoadsMore) {
  start_nodes();
  const balancer front(nodes());
  const auto is_ready = [&] {
    for (int i = 1; i <= nodes().size(); ++i)
      if (!front.is_ready(i)) return false;
    return true;
  };
  ASSERT_TRUE(eventually(is_ready, 10s));
  load_driver driver(load_by(front), origin());
  pass(ttl_ + 2s);
  const auto steady_from = history_clock::now();
  pass(ttl_);
  const auto began = history_clock::now();
  milliseconds settled{0};
  for (int round = 0; round != rounds_; ++round) settled = std::max(settled, restart_all());
  const auto ended = history_clock::now();
  const auto seen = driver.stop();
  const auto steady = per_second(loads_between(seen, steady_from, began), began - steady_from);
  const auto meanwhile = per_second(loads_between(seen, began, ended), ended - began);
  const auto failed = count_failed(seen, began);
  const auto found = check(seen, {.ttl = {{"things", ttl_}}});
  std::printf(
      "rolling restart of %d nodes, %d times: %zu requests, %zu failed, %zu stale after OK; %.1f "
      "loads/s before, %.1f during %.1f s (%.2fx); settled %lld ms after the start at most; %zu "
      "leases lost, %zu caches dropped\n",
      nodes().size(),
      rounds_,
      seen.requests.size(),
      failed,
      found.stale_after_ok,
      steady,
      meanwhile,
      std::chrono::duration<double>(ended - began).count(),
      meanwhile / steady,
      static_cast<long long>(settled.count()),
      logged("lease.lost"),
      logged("everything kept was dropped")
  );
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(found.stale_after_ok, 0);
  EXPECT_LE(meanwhile, 1.2 * steady);
}

INSTANTIATE_TEST_SUITE_P(Nodes, RollingRestart, testing::Values(3, 5), [](const auto& of) {
  return std::to_string(of.param) + "Nodes";
});

}  // namespace
}  // namespace weir::test
