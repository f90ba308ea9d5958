// Nodes that are replaced one after the other while clients go on, behind a balancer that asks
// /readyz.

#include "tests/process/fault_fixture.hpp"

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

class RollingRestart : public FaultTest {};

TEST_F(RollingRestart, FailsNoRequestAndHardlyLoadsMore) {
  cluster_options options;
  options.keyspaces = "  - {name: things, ttl: 10s, " + process_cluster::near_copies() +
                      "source: {type: http, timeout: 2s, "
                      "url: \"http://{origin}/things/{key}\"}}\n";
  start(options);
  const balancer front(nodes());
  ASSERT_TRUE(
      eventually([&] { return front.is_ready(1) && front.is_ready(2) && front.is_ready(3); }, 10s)
  );
  driver_options load;
  load.nodes = nodes().http_addresses();
  load.sources = process_cluster::client_addresses();
  load.reads_per_second = 400;
  load.changes_per_second = 4;
  load.keys = 600;
  load.written = {};
  load.is_asked = [&](int node) { return front.is_ready(node); };
  load_driver driver(load, origin());
  pass(12s);  // beyond one TTL
  const auto steady_from = history_clock::now();
  pass(10s);
  const auto began = history_clock::now();
  for (int i = 1; i <= nodes().size(); ++i) {
    nodes().drain(i);
    nodes().restart(i);
    EXPECT_TRUE(eventually([&] { return front.is_ready(i); }, recovered));
    EXPECT_TRUE(eventually([&] { return nodes().sees(i, 3); }, recovered));
    pass(2s);
  }
  const auto ended = history_clock::now();
  const auto seen = driver.stop();
  const auto steady = per_second(loads_between(seen, steady_from, began), began - steady_from);
  const auto meanwhile = per_second(loads_between(seen, began, ended), ended - began);
  std::size_t failed = 0;
  for (const auto& each : seen.requests) {
    const bool is_good = each.result == outcome::value || each.result == outcome::ok;
    if (!is_good && failed++ < 10) {
      ADD_FAILURE() << (each.what == operation::read ? "read" : "change") << " of " << each.key
                    << " at node " << each.node << ": " << name(each.result) << " " << each.status
                    << " " << each.code << ", "
                    << std::chrono::duration_cast<milliseconds>(each.begin - began).count()
                    << " ms after the first restart began, took "
                    << std::chrono::duration_cast<milliseconds>(each.end - each.begin).count();
    }
  }
  const auto found = check(seen, {.ttl = {{"things", 10s}}});
  std::printf(
      "rolling restart: %zu requests, %zu failed, %zu stale after OK; %.1f loads/s before, %.1f "
      "during %.1f s (%.2fx)\n",
      seen.requests.size(),
      failed,
      found.stale_after_ok,
      steady,
      meanwhile,
      std::chrono::duration<double>(ended - began).count(),
      meanwhile / steady
  );
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(found.stale_after_ok, 0);
  EXPECT_LT(meanwhile, 1.5 * steady);
}

}  // namespace
}  // namespace weir::test
