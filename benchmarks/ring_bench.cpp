#include <weir/engine/ring.hpp>

#include <algorithm>
#include <benchmark/benchmark.h>
#include <string>
#include <vector>

// The cost of finding an owner and of building rings; spread and movement as counters.

namespace {

using namespace weir;

std::vector<member> cluster(int count, int set = 0) {
  std::vector<member> members;
  for (int i = 0; i < count; ++i) {
    members.push_back({"weir-" + std::to_string(i) + ".set" + std::to_string(set), 1, 1, ""});
  }
  return members;
}

void look_up_owner(benchmark::State& state) {
  const ring r(cluster(static_cast<int>(state.range(0))));
  std::uint32_t slot = 0;
  for (auto _ : state) {
    slot = (slot * 5 + 4099) % slot_count;  // all slots, in no order
    benchmark::DoNotOptimize(&r.owner(static_cast<std::uint16_t>(slot)));
  }
}

BENCHMARK(look_up_owner)->Arg(3)->Arg(16)->Arg(100)->Arg(1000);

void slot_of_24_bytes(benchmark::State& state) {
  std::string keyspace = "users", key = "customer:0000000123:name";
  for (auto _ : state) {
    benchmark::DoNotOptimize(key.data());
    benchmark::ClobberMemory();
    benchmark::DoNotOptimize(slot_of(keyspace, key));
  }
}

BENCHMARK(slot_of_24_bytes);

void slot_of_tagged_24_bytes(benchmark::State& state) {
  std::string keyspace = "users", key = "{customer:00000012}:name";
  for (auto _ : state) {
    benchmark::DoNotOptimize(key.data());
    benchmark::ClobberMemory();
    benchmark::DoNotOptimize(slot_of(keyspace, key));
  }
}

BENCHMARK(slot_of_tagged_24_bytes);

void build(benchmark::State& state) {
  const auto members = cluster(static_cast<int>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(ring(members));
}

BENCHMARK(build)->Arg(3)->Arg(16)->Arg(100)->Arg(1000)->Unit(benchmark::kMicrosecond);

// What a node does when another joins: the new view, its ring, and which slots moved.
void add_a_node(benchmark::State& state) {
  const view before(cluster(static_cast<int>(state.range(0))));
  const ring old(before);
  for (auto _ : state) {
    const ring added(before.with({"joins", 1, 1, ""}));
    benchmark::DoNotOptimize(moved_slots(old, added));
  }
}

BENCHMARK(add_a_node)->Arg(3)->Arg(16)->Arg(100)->Unit(benchmark::kMicrosecond);

// Over 100 sets of names. Balance: slots of the busiest node over the mean. Movement: slots that a
// join moves, over 1/(n+1) of all.
void spread(benchmark::State& state) {
  constexpr int sets = 100;
  const auto count = static_cast<int>(state.range(0));
  const ring_settings settings{.bounded_load = static_cast<double>(state.range(1)) / 100};
  double balance = 0, worst_balance = 0, movement = 0, worst_movement = 0;
  for (auto _ : state) {
    for (int set = 0; set < sets; ++set) {
      auto members = cluster(count + 1, set);
      const auto joins = members.back();
      members.pop_back();
      const ring before(members, settings);
      std::uint32_t most = 0;
      for (int i = 0; i < count; ++i) {
        most = std::max(most, before.load(static_cast<std::uint16_t>(i)));
      }
      members.push_back(joins);
      const auto moved = moved_slots(before, ring(members, settings)).size();
      const double busiest = static_cast<double>(most) * count / slot_count;
      const double of_ideal = static_cast<double>(moved) * (count + 1) / slot_count;
      balance += busiest / sets;
      movement += of_ideal / sets;
      worst_balance = std::max(worst_balance, busiest);
      worst_movement = std::max(worst_movement, of_ideal);
    }
  }
  state.counters["balance_mean"] = balance;
  state.counters["balance_max"] = worst_balance;
  state.counters["movement_mean"] = movement;
  state.counters["movement_max"] = worst_movement;
}

BENCHMARK(spread)
    ->ArgNames({"nodes", "bound_percent"})
    ->ArgsProduct({{3, 16, 100}, {0, 105, 125}})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
