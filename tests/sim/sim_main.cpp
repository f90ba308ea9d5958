// weir_sim: many seeds of the scenario, one table. Exits 1 when a promise was broken.

#include "tests/sim/sim_scenario.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

namespace {

using namespace weir::sim;

struct arguments {
  std::uint64_t first = 1;
  std::uint64_t seeds = 200;
  std::size_t nodes = 3;
  double requests_per_second = 200;
  std::optional<std::uint64_t> verbose;
};

constexpr std::string_view usage =
    "weir_sim [--seeds N] [--first N] [--nodes N] [--rate REQUESTS_PER_SECOND] [--verbose SEED]\n";

std::optional<arguments> parse(int argc, char** argv) {
  arguments parsed;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view option = argv[i];
    const char* value = argv[i + 1];
    if (option == "--seeds") {
      parsed.seeds = std::strtoull(value, nullptr, 10);
    } else if (option == "--first") {
      parsed.first = std::strtoull(value, nullptr, 10);
    } else if (option == "--nodes") {
      parsed.nodes = std::strtoull(value, nullptr, 10);
    } else if (option == "--rate") {
      parsed.requests_per_second = std::strtod(value, nullptr);
    } else if (option == "--verbose") {
      parsed.verbose = std::strtoull(value, nullptr, 10);
    } else {
      return std::nullopt;
    }
  }
  if (argc % 2 == 0 || parsed.nodes < 2 || parsed.nodes > 9 || parsed.requests_per_second <= 0)
    return std::nullopt;
  return parsed;
}

double percent(const share& of) {
  return 100 * of.value();
}

unsigned long long number(std::uint64_t of) {
  return of;
}

void print(const char* title, const std::map<std::string, std::uint64_t>& table) {
  std::printf("%s\n", title);
  for (const auto& [name, count] : table)
    std::printf("  %12llu  %s\n", number(count), name.c_str());
}

void print(const verdict& of, double seconds) {
  const double hours = std::chrono::duration<double, std::ratio<3600>>(of.virtual_time).count();
  std::printf(
      "seeds            %llu (%.2f virtual hours in %.1f s)\n", number(of.runs), hours, seconds
  );
  std::printf("reads            %llu\n", number(of.reads));
  std::printf("changes          %llu\n", number(of.changes));
  print("faults", of.faults);
  print("outcomes", of.outcomes);
  std::printf(
      "loads            %llu, %.1f per key, at most %llu of one key\n",
      number(of.loads),
      static_cast<double>(of.loads) / static_cast<double>(of.keys_loaded),
      number(of.most_loads_of_a_key)
  );
  print("why the source was asked", of.load_reasons);
  std::printf(
      "loads of one key at once: 1 %llu, 2 %llu, 3 %llu, more %llu\n",
      number(of.at_once[1]),
      number(of.at_once[2]),
      number(of.at_once[3]),
      number(of.at_once[4])
  );
  print("causes of every load beside another", of.excess_causes);
  std::printf(
      "reads from cache %.1f %% in calm, %.1f %% of %llu during faults, %.1f %% after recovery\n",
      percent(of.cached_in_calm),
      percent(of.cached_in_faults),
      number(of.cached_in_faults.whole),
      percent(of.cached_after_recovery)
  );
  std::printf(
      "changes OK       %.1f %% of %llu during faults\n",
      percent(of.confirmed_in_faults),
      number(of.confirmed_in_faults.whole)
  );
  std::printf("slowest read     %.3f s\n", std::chrono::duration<double>(of.slowest_read).count());
  std::printf(
      "stale after OK   %llu in calm, %llu around faults (counted only: no leases yet)\n",
      number(of.stale_reads_calm),
      number(of.stale_reads_in_faults)
  );
  std::printf("history          %016llx\n", number(of.hash));
  std::printf("violations       %zu\n", of.violations.size());
}

void print_history(cluster& run) {
  for (const fault_record& f : run.past().faults)
    std::printf(
        "fault  %-7s n%zu n%zu  %.3f .. %.3f s\n",
        std::string(name(f.kind)).c_str(),
        f.node,
        f.other,
        static_cast<double>(f.from.count()) / 1e9,
        static_cast<double>(f.until.count()) / 1e9
    );
  for (const request_record& r : run.past().requests)
    std::printf(
        "%6llu n%zu %-10s %s/%-4s %9.4f .. %9.4f  %s %s v%llu\n",
        number(r.number),
        r.node,
        std::string(name(r.kind)).c_str(),
        r.keyspace.c_str(),
        r.key.c_str(),
        static_cast<double>(r.started.count()) / 1e9,
        static_cast<double>(r.ended.count()) / 1e9,
        std::string(name(r.end)).c_str(),
        r.error ? r.error.message().c_str() : "",
        r.label ? number(r.label->version) : 0
    );
  for (const load_record& l : run.source().loads())
    std::printf(
        "load %llu n%zu (life %u) %s/%s %9.4f .. %9.4f  end %d v%llu\n",
        number(l.number),
        l.node,
        l.incarnation,
        l.keyspace.c_str(),
        l.key.c_str(),
        static_cast<double>(l.begun.count()) / 1e9,
        static_cast<double>(l.ended.count()) / 1e9,
        static_cast<int>(l.end),
        number(l.version)
    );
}

verdict play_seed(const arguments& with, std::uint64_t seed) {
  scenario what;
  what.seed = seed;
  what.nodes = with.nodes;
  what.requests_per_second = with.requests_per_second;
  verdict found = play(what, with.verbose == seed ? print_history : nullptr);
  if (found.violations.empty()) return found;
  std::printf(
      "seed %llu: %zu violations; again with: weir_sim --seeds 1 --first %llu --nodes %zu "
      "--rate %g --verbose %llu\n",
      number(seed),
      found.violations.size(),
      number(seed),
      with.nodes,
      with.requests_per_second,
      number(seed)
  );
  for (std::size_t i = 0; i != std::min<std::size_t>(found.violations.size(), 10); ++i)
    std::printf("  %s\n", found.violations[i].c_str());
  return found;
}

}  // namespace

int main(int argc, char** argv) {
  const auto with = parse(argc, argv);
  if (!with) {
    std::fputs(usage.data(), stderr);
    return 2;
  }
  const auto begun = std::chrono::steady_clock::now();
  verdict all;
  for (std::uint64_t seed = with->first; seed != with->first + with->seeds; ++seed)
    all.add(play_seed(*with, seed));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  print(all, took.count());
  return all.violations.empty() ? 0 : 1;
}
