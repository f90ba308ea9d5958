// Near copies and invalidation on three healthy nodes in one process, one event loop each, over
// loopback.
//
//   near_bench [--json] [--seconds N] [--rate N]
//
// 1. A hit among copies of other nodes' keys beside a hit among owned keys: blocking get() on one
//    thread, in turns; the ratio is taken within each round and its median reported.
// 2. Invalidations per second at a fixed rate (open loop: an invalidation begins when it is due,
//    whether or not earlier ones have ended, and its time counts from then), from all nodes, of
//    keys that all nodes hold.
// 3. Reads per second of 64 callers inside each node, Zipf 0.99 over 10,000 keys, with near copies
//    and without, in turns.

#include <weir/discovery/static_provider.hpp>
#include <weir/weir.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

namespace asio = boost::asio;
using clock_type = std::chrono::steady_clock;
using std::chrono::microseconds;

constexpr std::size_t node_count = 3;
constexpr std::size_t key_count = 10'000;
constexpr std::size_t rounds = 7;

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "near_bench: %s\n", why.c_str());
  std::exit(1);
}

double median(std::vector<double> of) {
  std::sort(of.begin(), of.end());
  return of[of.size() / 2];
}

double seconds_since(clock_type::time_point began) {
  return std::chrono::duration<double>(clock_type::now() - began).count();
}

/// Three nodes with the keyspaces "near" and "far": with and without near copies.
class cluster {
 public:
  cluster() {
    const auto provider = std::make_shared<weir::static_provider>(std::vector<weir::candidate>{});
    std::vector<weir::candidate> all;
    const auto source = [](std::string_view) -> weir::result<weir::bytes> {
      return weir::bytes(std::string(100, 'x'));
    };
    for (std::size_t i = 0; i != node_count; ++i) {
      weir::node_options options;
      options.cluster = "bench";
      options.id = "n" + std::to_string(i + 1);
      options.peer_address = "127.0.0.1:0";
      options.discovery = provider;
      options.runtime.threads = 1;
      nodes[i] = std::make_unique<weir::node>(options);
      near[i] = nodes[i]->add_keyspace(
          {.name = "near", .ttl = std::chrono::hours(1), .near_memory = 32u << 20}, source
      );
      far[i] = nodes[i]->add_keyspace({.name = "far", .ttl = std::chrono::hours(1)}, source);
      nodes[i]->start().value();
      all.push_back({options.id, nodes[i]->peer_address()});
    }
    provider->replace(all);
    const auto is_whole = [](const std::unique_ptr<weir::node>& of) {
      const auto members = of->members();
      return members.size() == node_count &&
             std::all_of(members.begin(), members.end(), [](const weir::member_status& each) {
               return each.is_self || each.is_granting;
             });
    };
    wait_for("the nodes grant each other no lease", [&] {
      return std::all_of(nodes.begin(), nodes.end(), is_whole);
    });
    for (std::size_t i = 0; i != key_count; ++i)
      keys.push_back("user:" + std::to_string(100'000'000'000 + i * 7919));
  }

  template <class Done>
  static void wait_for(const char* otherwise, Done is_done) {
    const auto until = clock_type::now() + std::chrono::seconds(20);
    while (!is_done()) {
      if (clock_type::now() > until) give_up(otherwise);
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }

  asio::io_context& loop(std::size_t node) { return *nodes[node]->loops().front(); }

  /// Reads every key on every node until each node answers all of them itself.
  void fill_near() {
    wait_for("the nodes keep no near copies of each other's keys", [&] {
      std::size_t held = 0;
      for (auto& each : near) {
        for (const auto& key : keys) {
          each.get(key).value();
          each.get(key).value();  // a copy is kept from the second get on
        }
        for (const auto& key : keys) held += each.peek(key).has_value();
      }
      return held == keys.size() * node_count;
    });
  }

  std::array<std::unique_ptr<weir::node>, node_count> nodes;
  std::array<weir::keyspace, node_count> near, far;
  std::vector<std::string> keys;
};

// ---- 1

struct hit_figures {
  double owned_ns, near_ns, ratio;
  std::size_t repeated;  // rounds in which a copy was lost
};

hit_figures measure_hits(cluster& of) {
  std::vector<std::string> owned, near;
  for (const auto& key : of.keys) {
    auto& to = of.nodes[0]->place_of("near", key).owner == "n1" ? owned : near;
    if (to.size() != 2'500) to.push_back(key);
  }
  auto& things = of.near[0];
  constexpr std::size_t passes = 200;
  const auto ns_per_get = [&](const std::vector<std::string>& keys) {
    const auto began = clock_type::now();
    for (std::size_t pass = 0; pass != passes; ++pass) {
      for (const auto& key : keys) {
        if (things.get(key)->value.size() != 100) give_up("wrong value");
      }
    }
    return 1e9 * seconds_since(began) / static_cast<double>(passes * keys.size());
  };
  std::vector<double> owned_ns, near_ns, ratios;
  std::size_t repeated = 0;
  for (std::size_t tries = 0; ratios.size() != rounds; ++tries) {
    if (repeated == 5 * rounds)
      give_up("the nodes lose their near copies: is the machine overloaded?");
    const auto before = things.stats().near_hits;
    const double a = ns_per_get(owned), b = ns_per_get(near);
    if (things.stats().near_hits - before != passes * near.size()) {
      of.fill_near();
      ++repeated;
      continue;
    }
    if (tries == 0) continue;  // warm-up
    owned_ns.push_back(a);
    near_ns.push_back(b);
    ratios.push_back(b / a);
  }
  return {median(owned_ns), median(near_ns), median(ratios), repeated};
}

// ---- 2

struct change_figures {
  std::size_t sent = 0, partial = 0, failed = 0;
  double p50_ms = 0, p99_ms = 0, max_ms = 0, rate = 0;
};

struct change_log {
  std::vector<double> ms;  // each node's on its own loop
  std::size_t partial = 0, failed = 0;
};

asio::awaitable<void> invalidate_one(
    cluster& of,
    std::size_t node,
    std::string key,
    clock_type::time_point due,
    change_log& log,
    std::atomic<std::size_t>& left
) {
  const auto done = co_await of.near[node].async_invalidate(key);
  log.ms.push_back(1e3 * seconds_since(due));
  if (!done) {
    ++log.failed;
  } else if (done->is_partial()) {
    ++log.partial;
  }
  // So that there are copies to drop again.
  for (int i = 0; i != 2; ++i) (void)co_await of.near[node].async_get(key);
  --left;
}

change_figures measure_changes(cluster& of, double rate, double seconds) {
  const auto count = static_cast<std::size_t>(rate * seconds);
  std::array<change_log, node_count> logs;
  std::atomic<std::size_t> left{count};
  std::mt19937 random(1);
  const auto began = clock_type::now();
  const auto period =
      std::chrono::duration_cast<clock_type::duration>(std::chrono::duration<double>(1 / rate));
  for (std::size_t i = 0; i != count; ++i) {
    const auto due = began + period * static_cast<std::int64_t>(i);
    std::this_thread::sleep_until(due);
    const std::size_t node = i % node_count;
    auto key = of.keys[random() % key_count];
    asio::co_spawn(
        of.loop(node),
        invalidate_one(of, node, std::move(key), due, logs[node], left),
        asio::detached
    );
  }
  const double sent_in = seconds_since(began);
  cluster::wait_for("invalidations do not end", [&] { return left == 0; });
  change_figures out;
  std::vector<double> all;
  for (const auto& log : logs) {
    all.insert(all.end(), log.ms.begin(), log.ms.end());
    out.partial += log.partial;
    out.failed += log.failed;
  }
  std::sort(all.begin(), all.end());
  out.sent = count;
  out.rate = static_cast<double>(count) / sent_in;
  out.p50_ms = all[all.size() / 2];
  out.p99_ms = all[all.size() * 99 / 100];
  out.max_ms = all.back();
  return out;
}

// ---- 3

std::vector<std::uint32_t> zipf_draws(std::size_t count, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<double> sums(key_count);
  for (std::size_t i = 0; i != key_count; ++i) {
    sums[i] = std::pow(static_cast<double>(i + 1), -0.99) + (i != 0 ? sums[i - 1] : 0);
  }
  std::vector<std::uint32_t> by_rank(key_count);  // hot keys lie anywhere
  std::iota(by_rank.begin(), by_rank.end(), 0);
  std::mt19937 same_for_all(7);
  std::shuffle(by_rank.begin(), by_rank.end(), same_for_all);
  std::uniform_real_distribution<> pick(0, sums.back());
  std::vector<std::uint32_t> draws;
  for (std::size_t i = 0; i != count; ++i) {
    const auto rank = std::lower_bound(sums.begin(), sums.end(), pick(random)) - sums.begin();
    draws.push_back(by_rank[std::min<std::size_t>(static_cast<std::size_t>(rank), key_count - 1)]);
  }
  return draws;
}

struct read_load {
  const std::vector<std::string>& keys;
  std::array<std::vector<std::uint32_t>, node_count> draws;
  std::atomic<bool> is_over{false};
  std::atomic<std::size_t> done{0};
  std::atomic<std::size_t> running{0};
};

asio::awaitable<void> read_on(
    weir::keyspace things, read_load& of, std::size_t node, std::size_t at
) {
  constexpr std::size_t gets_in_a_row =
      32;  // a hit does not give the loop back, so the caller does
  const auto& draws = of.draws[node];
  std::size_t done = 0;
  while (!of.is_over.load(std::memory_order_relaxed)) {
    for (std::size_t i = 0; i != gets_in_a_row; ++i) {
      const auto found = co_await things.async_get(of.keys[draws[at++ % draws.size()]]);
      if (!found || found->value.size() != 100) give_up("a read failed");
    }
    done += gets_in_a_row;
    co_await asio::post(asio::use_awaitable);
  }
  of.done += done;
  --of.running;
}

double reads_per_second(
    cluster& of, std::array<weir::keyspace, node_count>& things, read_load& load, double seconds
) {
  constexpr std::size_t callers = 64;
  load.is_over = false;
  load.done = 0;
  load.running = callers * node_count;
  const auto began = clock_type::now();
  for (std::size_t node = 0; node != node_count; ++node) {
    for (std::size_t i = 0; i != callers; ++i)
      asio::co_spawn(of.loop(node), read_on(things[node], load, node, i * 9973), asio::detached);
  }
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  load.is_over = true;
  cluster::wait_for("readers do not end", [&] { return load.running == 0; });
  return static_cast<double>(load.done) / seconds_since(began);
}

struct read_figures {
  double with_near, without, ratio;
};

read_figures measure_reads(cluster& of, double seconds) {
  read_load load{.keys = of.keys};
  for (std::size_t i = 0; i != node_count; ++i)
    load.draws[i] = zipf_draws(1 << 18, static_cast<unsigned>(i + 1));
  for (const auto& key : of.keys) of.far[0].get(key).value();
  of.fill_near();
  std::vector<double> with_near, without, ratios;
  for (std::size_t round = 0; round != 3; ++round) {
    without.push_back(reads_per_second(of, of.far, load, seconds));
    with_near.push_back(reads_per_second(of, of.near, load, seconds));
    ratios.push_back(with_near.back() / without.back());
  }
  return {median(with_near), median(without), median(ratios)};
}

void print_table(
    const hit_figures& hits, const change_figures& changes, const read_figures& reads
) {
  std::printf("%-34s %12s %12s %8s\n", "hit, ns per get on one thread", "owned", "near", "ratio");
  std::printf("%-34s %12.1f %12.1f %7.2fx\n", "weir", hits.owned_ns, hits.near_ns, hits.ratio);
  std::printf("%-34s %12s %12s\n", "Infinispan 16.1, measured before", "277", "473");
  std::printf("%-34s %12s %12s\n", "Hazelcast 5.7, measured before", "43,000", "400-538");
  std::printf("%-34s %12s %12s\n", "Coherence CE 25.03, measured before", "90,000", "155");
  std::printf("%-34s %12s %12s\n\n", "Ignite 2.18, measured before", "-", "1,210");
  std::printf(
      "%-34s %9s %9s %9s %9s %9s\n",
      "invalidation, OK on three nodes",
      "per s",
      "p50 ms",
      "p99 ms",
      "max ms",
      "not OK"
  );
  std::printf(
      "%-34s %9.0f %9.2f %9.2f %9.2f %9zu\n\n",
      "weir",
      changes.rate,
      changes.p50_ms,
      changes.p99_ms,
      changes.max_ms,
      changes.partial + changes.failed
  );
  std::printf("%-34s %12s %12s %8s\n", "reads/s inside three nodes", "without", "near", "ratio");
  std::printf("%-34s %12.0f %12.0f %7.2fx\n", "weir", reads.without, reads.with_near, reads.ratio);
}

void print_json(const hit_figures& hits, const change_figures& changes, const read_figures& reads) {
  std::printf(
      "{\"hit\": {\"owned_ns\": %.2f, \"near_ns\": %.2f, \"ratio\": %.3f, \"repeated\": %zu},\n",
      hits.owned_ns,
      hits.near_ns,
      hits.ratio,
      hits.repeated
  );
  std::printf(
      " \"invalidation\": {\"sent\": %zu, \"per_second\": %.0f, \"p50_ms\": %.3f, \"p99_ms\": "
      "%.3f, "
      "\"max_ms\": %.3f, \"partial\": %zu, \"failed\": %zu},\n",
      changes.sent,
      changes.rate,
      changes.p50_ms,
      changes.p99_ms,
      changes.max_ms,
      changes.partial,
      changes.failed
  );
  std::printf(
      " \"reads\": {\"without_per_second\": %.0f, \"near_per_second\": %.0f, \"ratio\": %.3f}}\n",
      reads.without,
      reads.with_near,
      reads.ratio
  );
}

}  // namespace

int main(int argc, char** argv) {
  bool is_json = false;
  double seconds = 5, rate = 1'000;
  for (int i = 1; i < argc; ++i) {
    const bool has_value = i + 1 < argc;
    if (!std::strcmp(argv[i], "--json")) {
      is_json = true;
    } else if (!std::strcmp(argv[i], "--seconds") && has_value) {
      seconds = std::atof(argv[++i]);
    } else if (!std::strcmp(argv[i], "--rate") && has_value) {
      rate = std::atof(argv[++i]);
    } else {
      std::fprintf(
          stderr, "usage: near_bench [--json] [--seconds N] [--rate CHANGES_PER_SECOND]\n"
      );
      return 2;
    }
  }
  if (seconds <= 0 || rate <= 0) give_up("--seconds and --rate must be above 0");
  cluster nodes;
  nodes.fill_near();
  const auto hits = measure_hits(nodes);
  (void)measure_changes(nodes, rate, 1);  // warm-up
  nodes.fill_near();
  const auto changes = measure_changes(nodes, rate, seconds);
  const auto reads = measure_reads(nodes, seconds / 5);
  is_json ? print_json(hits, changes, reads) : print_table(hits, changes, reads);
}
