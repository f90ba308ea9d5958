// Local hits against what a C++ programmer would write instead. No misses, no evictions: 17-byte
// keys, 100-byte values, Zipf 0.99 over indices drawn beforehand. All subjects take turns in one
// process; the ratio is taken within each round and its median reported, as the machine's speed
// drifts.
//
//   hit_bench [--json] [--rounds N] [--cpu]
//
// --cpu counts the threads' processor time instead of the time on the clock, for machines that are
// busy with other things; it leaves out the time that a thread sleeps for a mutex, and so flatters
// the mutexes.

#include "benchmarks/hit_subjects.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <pthread.h>
#include <random>
#include <thread>
#include <time.h>
#include <vector>

namespace weir::bench {
namespace {

constexpr std::size_t key_size = 17;
constexpr std::size_t draws = 1 << 20;
constexpr std::size_t max_threads = 2;

struct workload {
  std::string keys;
  std::array<std::vector<std::uint32_t>, max_threads> indices;

  std::string_view key(std::size_t i) const { return {keys.data() + i * key_size, key_size}; }
};

workload make_workload(std::size_t entries) {
  workload made;
  std::mt19937_64 random(entries);
  char key[key_size + 1];
  for (std::size_t i = 0; i != entries; ++i) {
    std::snprintf(key, sizeof key, "user:%012zu", i * 7919);
    made.keys += key;
  }
  std::vector<double> sums(entries);
  for (std::size_t i = 0; i != entries; ++i) {
    sums[i] = std::pow(static_cast<double>(i + 1), -0.99) + (i != 0 ? sums[i - 1] : 0);
  }
  std::vector<std::uint32_t> by_rank(entries);  // hot keys lie anywhere
  std::iota(by_rank.begin(), by_rank.end(), 0);
  std::shuffle(by_rank.begin(), by_rank.end(), random);
  std::uniform_real_distribution<> pick(0, sums.back());
  for (auto& list : made.indices) {
    for (std::size_t i = 0; i != draws; ++i) {
      const auto rank = std::lower_bound(sums.begin(), sums.end(), pick(random)) - sums.begin();
      list.push_back(by_rank[std::min<std::size_t>(static_cast<std::size_t>(rank), entries - 1)]);
    }
  }
  return made;
}

void pin_to(std::size_t cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

enum class time_source { clock, processor };

double read(time_source time) {
  timespec now{};
  clock_gettime(time == time_source::clock ? CLOCK_MONOTONIC : CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

/// Nanoseconds per get: of one thread, or of all together.
template <class Subject>
double measure(
    Subject& subject, const workload& work, std::size_t threads, std::size_t gets, time_source time
) {
  std::atomic<std::size_t> ready{0};
  std::array<double, max_threads> begins, ends;
  const auto run = [&](std::size_t me) {
    pin_to(me);
    typename Subject::out value;
    const auto& indices = work.indices[me];
    std::size_t bytes_seen = 0;
    ready.fetch_add(1);
    while (ready.load() != threads) {
    }
    begins[me] = read(time);
    for (std::size_t i = 0; i != gets; ++i) {
      if (!subject.get(work.key(indices[i % draws]), value)) std::abort();
      bytes_seen += value.size();
    }
    ends[me] = read(time);
    if (bytes_seen != gets * 100) std::abort();
  };
  std::vector<std::thread> running;
  for (std::size_t i = 0; i != threads; ++i) running.emplace_back(run, i);
  for (auto& each : running) each.join();
  const auto total = static_cast<double>(gets * threads);
  if (time == time_source::processor) {
    double used = 0;
    for (std::size_t i = 0; i != threads; ++i) used += ends[i] - begins[i];
    return used / static_cast<double>(threads) / total;
  }
  const auto begin = *std::min_element(begins.begin(), begins.begin() + threads);
  const auto end = *std::max_element(ends.begin(), ends.begin() + threads);
  return (end - begin) / total;
}

double median(std::vector<double> of) {
  std::sort(of.begin(), of.end());
  return of[of.size() / 2];
}

struct line {
  std::size_t entries, threads;
  const char* name;
  double ns;                  // median
  double ratio, least, most;  // peer's time over weir's, by round
};

template <class... Subject>
void compare(std::size_t entries, std::size_t rounds, time_source time, std::vector<line>& out) {
  const auto work = make_workload(entries);
  std::tuple<Subject...> subjects;
  const auto fill = [&](auto& subject) {
    std::vector<std::uint32_t> order(entries);
    std::iota(order.begin(), order.end(), 0);
    std::shuffle(order.begin(), order.end(), std::mt19937(7));
    for (const auto i : order)
      subject.put(work.key(i), std::string(100, static_cast<char>('a' + i % 26)));
  };
  std::apply([&](auto&... each) { (fill(each), ...); }, subjects);

  for (std::size_t threads = 1; threads <= max_threads; ++threads) {
    const std::size_t gets = entries > 100'000 ? draws / 2 : draws;
    std::array<std::vector<double>, sizeof...(Subject)> times;
    for (std::size_t round = 0; round != rounds + 1; ++round) {
      std::size_t next = 0;
      std::apply(
          [&](auto&... each) {
            ((times[next++].push_back(measure(each, work, threads, gets, time))), ...);
          },
          subjects
      );
    }
    for (auto& each : times) each.erase(each.begin());  // warm-up
    const char* names[] = {Subject::name...};
    for (std::size_t i = 0; i != times.size(); ++i) {
      std::vector<double> ratios;
      for (std::size_t round = 0; round != rounds; ++round) {
        ratios.push_back(times[i][round] / times[0][round]);
      }
      out.push_back(
          {entries,
           threads,
           names[i],
           median(times[i]),
           median(ratios),
           *std::min_element(ratios.begin(), ratios.end()),
           *std::max_element(ratios.begin(), ratios.end())}
      );
    }
  }
}

void print_table(const std::vector<line>& lines) {
  std::printf(
      "%9s %8s  %-34s %9s %8s  %s\n", "entries", "threads", "subject", "ns/get", "ratio", "spread"
  );
  for (const auto& each : lines) {
    std::printf(
        "%9zu %8zu  %-34s %9.1f %7.2fx  %.2f-%.2f\n",
        each.entries,
        each.threads,
        each.name,
        each.ns,
        each.ratio,
        each.least,
        each.most
    );
  }
  std::printf("ratio: the subject's time over weir's, median of the rounds\n");
}

void print_json(const std::vector<line>& lines) {
  const char* before = "[\n";
  for (const auto& each : lines) {
    std::printf(
        "%s  {\"entries\": %zu, \"threads\": %zu, \"subject\": \"%s\", \"ns_per_get\": %.2f, "
        "\"ratio\": %.3f, \"ratio_min\": %.3f, \"ratio_max\": %.3f}",
        before,
        each.entries,
        each.threads,
        each.name,
        each.ns,
        each.ratio,
        each.least,
        each.most
    );
    before = ",\n";
  }
  std::printf("\n]\n");
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  using namespace weir::bench;
  const auto has = [&](const char* flag) {
    return std::any_of(argv, argv + argc, [&](auto* each) { return !std::strcmp(each, flag); });
  };
  const auto number = [&](const char* flag, std::size_t otherwise) -> std::size_t {
    const auto at =
        std::find_if(argv, argv + argc, [&](auto* each) { return !std::strcmp(each, flag); });
    return argv + argc - at < 2 ? otherwise : std::max(1ul, std::strtoul(at[1], nullptr, 10));
  };
  const auto rounds = number("--rounds", 7);
  const auto time = has("--cpu") ? time_source::processor : time_source::clock;
  std::vector<std::size_t> sizes{10'000, 1'000'000};
  if (has("--entries")) sizes = {number("--entries", 10'000)};
  std::vector<line> lines;
  for (const auto entries : sizes) {
    compare<weir_store, map_and_mutex, lru_and_mutex, flat_maps_and_mutexes>(
        entries, rounds, time, lines
    );
  }
  has("--json") ? print_json(lines) : print_table(lines);
}
