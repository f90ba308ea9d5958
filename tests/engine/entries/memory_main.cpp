// How much memory a keyspace really takes: fills one far beyond its limit with values of one size,
// or mixed ones, and reads the resident size. Each case runs in a process of its own, so that none
// profits from what another left.
//
//   memory_bound             all cases as a table
//   memory_bound NAME ...    these cases; exit 1 when one is over the bound, 1.25 x limit + 16 MiB
#include <weir/engine/cache.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <random>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

constexpr std::uint64_t mebibyte = 1u << 20;
constexpr std::uint64_t limit = 64 * mebibyte;
constexpr std::uint64_t bound = limit / 4 * 5 + 16 * mebibyte;
constexpr std::uint64_t to_put = 4 * limit;
constexpr unsigned writers = 4;

using size_source = std::function<std::size_t(std::mt19937_64&, std::uint64_t number)>;

struct memory_case {
  std::string_view name;
  size_source size;
};

size_source always(std::size_t size) {
  return [size](std::mt19937_64&, std::uint64_t) { return size; };
}

// As many of 10 to 100 bytes as of 100 to 1000 and so on, up to a megabyte.
std::size_t any_magnitude(std::mt19937_64& random, std::uint64_t) {
  return static_cast<std::size_t>(std::pow(10.0, std::uniform_real_distribution(1.0, 6.0)(random)));
}

// One size after another, 2,000 values each: what a working set that changes leaves behind.
std::size_t in_turns(std::mt19937_64&, std::uint64_t number) {
  constexpr std::size_t sizes[] = {100'000, 300, 40'000, 5'000, 70'000, 1'000'000, 20'000};
  return sizes[number / 2'000 % std::size(sizes)];
}

const std::vector<memory_case>& cases() {
  static const std::vector<memory_case> all{
      {"10B", always(10)},
      {"100B", always(100)},
      {"1KiB", always(1 << 10)},
      {"10KiB", always(10 << 10)},
      {"32KiB", always(32 << 10)},
      {"64KiB", always(64 << 10)},
      {"100KiB", always(100 << 10)},
      {"200KiB", always(200 << 10)},
      {"1MiB", always(1 << 20)},
      {"mixed", any_magnitude},
      {"turns", in_turns},
  };
  return all;
}

std::uint64_t resident() {
  std::ifstream statm("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t pages = 0;
  statm >> total >> pages;
  return pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// Several threads put values until `to_put` bytes went in, small ones with their overhead.
void fill(weir::keyspace space, const size_source& size_of) {
  std::vector<std::thread> threads;
  for (unsigned self = 0; self != writers; ++self) {
    threads.emplace_back([space, &size_of, self]() mutable {
      std::mt19937_64 random(self + 1);
      std::uint64_t put = 0;
      for (std::uint64_t number = 0; put < to_put / writers; ++number) {
        const auto size = size_of(random, number);
        const auto key = std::to_string(self) + ':' + std::to_string(number);
        if (!space.put(key, std::string(size, 'v'))) std::abort();
        put += size + 150;
      }
    });
  }
  for (auto& each : threads) each.join();
}

/// In a process of its own: prints the line and says whether the bound holds.
bool run(const memory_case& of) {
  std::fflush(stdout);
  const auto child = ::fork();
  if (child == 0) {
    weir::cache cache;
    const auto nothing = [](std::string_view) { return weir::errc::not_found; };
    const auto base = resident();
    auto space = cache.add_keyspace(
        {.name = "values",
         .max_memory = limit,
         .max_entry = 2 * mebibyte,
         .writes = weir::writes::allow},
        nothing
    );
    fill(space, of.size);
    const auto taken = resident();
    const auto in_mebibytes = [](std::uint64_t bytes) {
      return static_cast<double>(bytes) / mebibyte;
    };
    std::printf(
        "memory: %-7s counted %5.1f MiB, resident %6.1f MiB, base %4.1f MiB, %.2f of the limit\n",
        of.name.data(),
        in_mebibytes(space.stats().bytes),
        in_mebibytes(taken),
        in_mebibytes(base),
        static_cast<double>(taken) / limit
    );
    std::fflush(stdout);
    std::_Exit(taken <= bound ? 0 : 1);
  }
  int status = 1;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> wanted(argv + 1, argv + argc);
  bool is_good = true;
  std::size_t ran = 0;
  for (const auto& each : cases()) {
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), each.name) == wanted.end())
      continue;
    ++ran;
    if (!run(each)) {
      std::printf(
          "memory: %s is over the bound of %.0f MiB\n", each.name.data(), 1.0 * bound / mebibyte
      );
      is_good = false;
    }
  }
  if (ran < std::max<std::size_t>(1, wanted.size())) std::fprintf(stderr, "memory: no such case\n");
  return is_good && ran >= std::max<std::size_t>(1, wanted.size()) ? 0 : 1;
}
