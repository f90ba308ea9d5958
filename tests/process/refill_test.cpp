// All caches of a cluster emptied at once, over a source that refuses what it cannot take.

#include "tests/support/cluster/fault_fixture.hpp"

#include <algorithm>
#include <cstdio>

namespace weir::test {
namespace {

enum class emptied_by : std::uint8_t { clear, restart };

inline std::ostream& operator<<(std::ostream& out, emptied_by how) {
  return out << (how == emptied_by::clear ? "clear" : "restart");
}

/// The gate plays a small one with the same proportions: the source can load what 95 % of the reads
/// want in 0.4 of the time.
struct refill_size {
  std::size_t keys = is_soak() ? 20'000 : 3'000;
  double reads_per_second = is_soak() ? 5'000 : 2'500;
  double loads_per_second = is_soak() ? 500 : 250;
  std::chrono::seconds recovers_within{is_soak() ? 60 : 20};
};

constexpr double enough = 0.95;         // of the hit ratio before
constexpr std::size_t concurrent = 16;  // loads of a node

/// One second of reads and loads.
struct second_seen {
  std::size_t reads = 0, hits = 0, failed = 0;
  std::size_t taken = 0, refused = 0;

  double hit_ratio() const {
    return static_cast<double>(hits) / static_cast<double>(std::max<std::size_t>(1, reads));
  }
};

std::vector<second_seen> by_second(const history& of, time_point from, std::size_t seconds) {
  std::vector<second_seen> out(seconds);
  const auto at = [&](time_point when) -> second_seen* {
    const auto passed = std::chrono::floor<std::chrono::seconds>(when - from).count();
    const bool is_within = passed >= 0 && static_cast<std::size_t>(passed) < seconds;
    return is_within ? &out[static_cast<std::size_t>(passed)] : nullptr;
  };
  for (const auto& each : of.requests) {
    auto* const into = at(each.begin);
    if (into == nullptr) continue;
    ++into->reads;
    into->hits += each.is_cached ? 1 : 0;
    into->failed += each.result == outcome::value ? 0 : 1;
  }
  for (const auto& each : of.loads) {
    if (auto* const into = at(each.begin)) ++(each.is_refused ? into->refused : into->taken);
  }
  return out;
}

/// The number of the second from which on the reads are hits as before, from 1; 0 = none.
std::size_t recovered_in(const std::vector<second_seen>& all, double before) {
  const auto is_low = [&](const auto& each) { return each.hit_ratio() < enough * before; };
  const auto low =
      static_cast<std::size_t>(all.rend() - std::find_if(all.rbegin(), all.rend(), is_low));
  return low == all.size() ? 0 : low + 1;
}

class Refill : public FaultTest, public testing::WithParamInterface<emptied_by> {
 protected:
  void start_full() {
    cluster_options options;
    options.keyspaces =
        "  - {name: things, ttl: 5m, loads: {concurrent: " + std::to_string(concurrent) +
        "}, source: {type: http, timeout: 2s, url: \"http://{origin}/things/{key}\"}}\n";
    start(std::move(options));
    origin().take(20ms);
    constexpr std::size_t at_once = 500;
    for (std::size_t from = 0; from < size_.keys; from += at_once) {
      std::string keys;
      for (std::size_t i = from; i != std::min(from + at_once, size_.keys); ++i)
        keys += (keys.empty() ? "\"k" : ", \"k") + std::to_string(i) + '"';
      const auto got = post("?get", "{\"keys\": [" + keys + "]}");
      ASSERT_EQ(got.status, 200) << got.body;
    }
  }

  http_answer post(const std::string& what, const std::string& body) {
    const auto text = http_text(
        "POST", "/v1/things" + what, "Content-Type: application/json\r\nWeir-Timeout: 30s\r\n", body
    );
    return http_call(nodes().http_address(1), text, 40s);
  }

  void empty_all() {
    if (GetParam() == emptied_by::clear) {
      ASSERT_EQ(post("?purge", "{\"all\": true}").status, 200);
      return;
    }
    for (int i = 1; i <= nodes().size(); ++i) nodes().kill(i);
    for (int i = 1; i <= nodes().size(); ++i) nodes().restart(i);
  }

  driver_options load() {
    driver_options load;
    load.nodes = nodes().http_addresses();
    load.sources = process_cluster::client_addresses();
    load.reads_per_second = size_.reads_per_second;
    load.changes_per_second = 0;
    load.keys = size_.keys;
    load.zipf = 0.99;
    load.written = {};
    return load;
  }

  void report(const std::vector<second_seen>& all, double before) {
    second_seen sum;
    for (const auto& each : all) {
      sum.reads += each.reads;
      sum.failed += each.failed;
      sum.taken += each.taken;
      sum.refused += each.refused;
    }
    std::printf(
        "emptied by %s: %zu keys, %.0f reads/s, a source for %.0f loads/s: hit ratio %.1f %% "
        "before, 95 %% of it again in second %zu; %zu of %zu reads failed; %zu loads taken, %zu "
        "refused, %zu at once at most\n  second: hit ratio, failed reads, loads taken and refused",
        GetParam() == emptied_by::clear ? "clear" : "restart",
        size_.keys,
        size_.reads_per_second,
        size_.loads_per_second,
        100 * before,
        recovered_in(all, before),
        sum.failed,
        sum.reads,
        sum.taken,
        sum.refused,
        origin().most_running()
    );
    for (std::size_t i = 0; i < all.size(); i += i < 4 ? 1 : 5) {
      const auto& each = all[i];
      std::printf(
          "; %zu: %.1f %% %zu %zu %zu",
          i + 1,
          100 * each.hit_ratio(),
          each.failed,
          each.taken,
          each.refused
      );
    }
    std::printf("\n");
  }

  const refill_size size_;
};

TEST_P(Refill, ASourceThatRefusesMostLoadsFillsTheCachesAllTheSame) {
  start_full();
  load_driver driver(load(), origin());
  pass(1s);
  const auto full_from = history_clock::now();
  pass(3s);
  origin().take_at_most(size_.loads_per_second);
  const auto emptied_from = history_clock::now();
  empty_all();
  const auto from = history_clock::now();
  pass(size_.recovers_within);
  auto seen = driver.stop();
  seen.source_failures = {{emptied_from, time_point::max()}};  // it refuses
  seen.down = nodes().down();
  const auto full = by_second(seen, full_from, 3);
  const auto before = (full[0].hit_ratio() + full[1].hit_ratio()) / 2;
  const auto all = by_second(seen, from, static_cast<std::size_t>(size_.recovers_within.count()));
  report(all, before);
  EXPECT_GT(before, 0.98);
  EXPECT_NE(recovered_in(all, before), 0) << "not within the time";
  EXPECT_LE(origin().most_running(), concurrent * static_cast<std::size_t>(nodes().size()));
  for (std::size_t i = 1; i != all.size(); ++i) {
    const auto asked = static_cast<double>(all[i].taken + all[i].refused);
    EXPECT_GE(all[i].taken, 0.5 * std::min(asked, size_.loads_per_second)) << "second " << i + 1;
  }
  const auto found = check(seen, {.ttl = {{"things", 5min}}});
  EXPECT_EQ(found.lost + found.corrupt + found.too_old + found.cached_errors, 0);
  for (const auto& each : seen.requests) {
    if (each.begin < full_from || each.end >= emptied_from) continue;
    ASSERT_EQ(each.result, outcome::value) << each.key << ' ' << each.status << ' ' << each.code;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Caches,
    Refill,
    testing::Values(emptied_by::clear, emptied_by::restart),
    [](const auto& of) { return of.param == emptied_by::clear ? "Cleared" : "Restarted"; }
);

}  // namespace
}  // namespace weir::test
