// weir_sim: many seeds of the scenario and one table, or the score of the mutations. Exits 1 when a
// promise was broken, the cluster did too little, or a mutation got away.

#include "tests/sim/sim_membership.hpp"
#include "tests/sim/sim_mutations.hpp"
#include "tests/sim/sim_scenario.hpp"
#include "tests/sim/sim_storm.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unistd.h>

namespace {

using namespace weir::sim;

struct arguments {
  std::uint64_t first = 1;
  std::uint64_t seeds = 200;
  std::size_t nodes = 0;
  double requests_per_second = 250;
  std::optional<flavour> about;  ///< empty = general, or that of the mutation
  std::optional<std::uint64_t> verbose;
  bool hunts = false;
  std::size_t storm = 0;  ///< that many nodes come and go; 0 = none
  bool meets = false;     ///< the courses of membership, and the storm
  std::string mutant;     ///< one mutation only; empty = none, or all when hunting
};

constexpr std::size_t usual_storm = 4;
constexpr double most_storm_loads = 2;  ///< times those of calm

constexpr std::string_view usage =
    "weir_sim [--seeds N] [--first N] [--nodes N] [--rate REQUESTS_PER_SECOND] [--flavour NAME]\n"
    "         [--mutant RULE] [--verbose SEED]\n"
    "weir_sim --gate        200 seeds, 2,000 with WEIR_SOAK=1 in the environment\n"
    "weir_sim --mutations [--mutant RULE] [--seeds N]\n"
    "weir_sim --membership [--seeds N] [--first N]   how nodes find, lose and mistake each other\n"
    "weir_sim --storm NODES   so many nodes come and go in turn beside five that stay: what it "
    "costs the source\n";

std::optional<flavour> flavour_called(std::string_view wanted) {
  for (int i = 0; i <= static_cast<int>(flavour::last); ++i)
    if (name(static_cast<flavour>(i)) == wanted) return static_cast<flavour>(i);
  return std::nullopt;
}

const mutation* mutation_called(std::string_view wanted) {
  for (const mutation& each : mutations())
    if (each.name == wanted) return &each;
  return nullptr;
}

/// A whole number from 1 on; throws what is wrong with it.
std::uint64_t count_from(std::string_view option, std::string_view text) {
  std::uint64_t read = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), read);
  if (failed == std::errc() && end == text.data() + text.size() && read != 0) return read;
  throw std::invalid_argument(
      std::string(option) + " takes a whole number from 1 on, not " + std::string(text)
  );
}

std::string known_flavours() {
  std::string all;
  for (int i = 0; i <= static_cast<int>(flavour::last); ++i)
    all.append(" ").append(name(static_cast<flavour>(i)));
  return all;
}

std::string known_mutations() {
  std::string all;
  for (const mutation& each : mutations()) all.append(" ").append(each.name);
  return all;
}

void take(arguments& into, std::string_view option, const std::string& value) {
  if (option == "--seeds") {
    into.seeds = count_from(option, value);
  } else if (option == "--first") {
    into.first = count_from(option, value);
  } else if (option == "--nodes") {
    into.nodes = value == "0" ? 0 : count_from(option, value);
    if (into.nodes == 1 || into.nodes > 9)
      throw std::invalid_argument("--nodes takes 2 to 9, or 0 to draw it");
  } else if (option == "--storm") {
    into.storm = count_from(option, value);
  } else if (option == "--rate") {
    into.requests_per_second = static_cast<double>(count_from(option, value));
  } else if (option == "--verbose") {
    into.verbose = count_from(option, value);
  } else if (option == "--flavour") {
    into.about = flavour_called(value);
    if (!into.about)
      throw std::invalid_argument("no flavour " + value + "; there are:" + known_flavours());
  } else if (option == "--mutant") {
    into.mutant = value;
    if (mutation_called(value) == nullptr)
      throw std::invalid_argument("no rule " + value + "; there are:" + known_mutations());
  } else {
    throw std::invalid_argument("no option " + std::string(option) + "; see weir_sim --help");
  }
}

/// Throws what is wrong.
arguments parse(int argc, char** argv) {
  arguments parsed;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--mutations") {
      parsed.hunts = true;
    } else if (option == "--membership") {
      parsed.meets = true;
      parsed.seeds = 20;
    } else if (option == "--gate") {
      const char* soak = std::getenv("WEIR_SOAK");
      parsed.seeds = soak != nullptr && std::string_view(soak) == "1" ? 2000 : 200;
    } else {
      take(parsed, option, i + 1 == argc ? "" : argv[i + 1]);
      ++i;
    }
  }
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

std::size_t stale_reads(const verdict& of) {
  std::size_t stale = 0;
  for (const std::string& each : of.violations)
    if (each.find("C3: ") != std::string::npos || each.find("C4: stale") != std::string::npos)
      ++stale;
  return stale;
}

void print(verdict& of, double seconds) {
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
      "invalidations OK %.1f %% of %llu during faults\n",
      percent(of.confirmed_in_faults),
      number(of.confirmed_in_faults.whole)
  );
  std::printf(
      "OK after         p50 %.2f ms, p90 %.1f ms, p99 %.0f ms, at most %.0f ms\n",
      quantile(of.ok_millis, 0.5),
      quantile(of.ok_millis, 0.9),
      quantile(of.ok_millis, 0.99),
      quantile(of.ok_millis, 1.0)
  );
  std::printf("slowest read     %.3f s\n", std::chrono::duration<double>(of.slowest_read).count());
  std::printf(
      "stale reads      %zu after OK; %llu of keyspaces that serve without a lease\n",
      stale_reads(of),
      number(of.stale_reads_of_available)
  );
  std::printf(
      "views one after  p50 %.0f ms, at most %.0f ms, %zu times after the last fault had ended\n",
      quantile(of.agreed_millis, 0.5),
      quantile(of.agreed_millis, 1.0),
      of.agreed_millis.size()
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
  if (const mutation* how = mutation_called(with.mutant)) what = mutated(*how, seed);
  what.seed = seed;
  what.nodes = with.nodes;
  what.requests_per_second = with.requests_per_second;
  if (with.about) what.about = *with.about;
  verdict found = play(what, with.verbose == seed ? print_history : nullptr);
  if (found.violations.empty()) return found;
  std::printf(
      "seed %llu: %zu violations; again with: weir_sim --seeds 1 --first %llu --nodes %zu --rate "
      "%g "
      "--flavour %s --verbose %llu\n",
      number(seed),
      found.violations.size(),
      number(seed),
      with.nodes,
      with.requests_per_second,
      std::string(name(what.about)).c_str(),
      number(seed)
  );
  for (std::size_t i = 0; i != std::min<std::size_t>(found.violations.size(), 10); ++i)
    std::printf("  %s\n", found.violations[i].c_str());
  std::fflush(stdout);
  return found;
}

// Each rule off in turn, until that shows.
int hunt_all(const arguments& with) {
  std::size_t caught = 0;
  std::size_t tried = 0;
  std::size_t open = 0;  // known to get away
  for (const mutation& each : mutations()) {
    if (!with.mutant.empty() && each.name != with.mutant) continue;
    ++tried;
    const auto begun = std::chrono::steady_clock::now();
    constexpr std::uint64_t open_seeds = 20;
    const capture got = hunt(each, each.is_open ? std::min(open_seeds, with.seeds) : with.seeds);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
    caught += got.seed != 0 ? 1 : 0;
    open += got.seed == 0 && each.is_open ? 1 : 0;
    const std::string when = got.seed == 0 ? "NOT CAUGHT" : "seed " + std::to_string(got.seed);
    std::printf(
        "%-26s %-9s %-10s %5.1f s  %s\n",
        std::string(each.name).c_str(),
        std::string(name(each.about)).c_str(),
        when.c_str(),
        took.count(),
        got.violation.c_str()
    );
    std::fflush(stdout);
  }
  std::printf("mutations        %zu of %zu caught, %zu open\n", caught, tried, open);
  return caught + open == tried ? 0 : 1;
}

void print(const churn_cost& storm, std::size_t wanderers) {
  std::printf(
      "storm of %-2zu nodes %llu joins and leaves in 30 s: %llu loads, %llu in 30 s of calm (%.2f "
      "x), "
      "of %llu reads;\n"
      "                 %llu of them failed; %llu views at one node; those who stay without a "
      "lease "
      "%.1f %% of the time\n",
      wanderers,
      number(storm.changes),
      number(storm.churn_loads),
      number(storm.steady_loads),
      storm.ratio(),
      number(storm.reads),
      number(storm.failed_reads),
      number(storm.view_changes),
      100.0 * static_cast<double>(storm.leaseless) / static_cast<double>(storm.looks)
  );
}

int play_membership(const arguments& with) {
  std::size_t wrong = 0;
  for (const membership_case& each : membership_cases()) {
    std::vector<float> agreed;
    std::uint64_t failed = 0;
    std::string example;
    for (std::uint64_t seed = with.first; seed != with.first + with.seeds; ++seed) {
      const membership_finding found = each.play(seed);
      agreed.push_back(std::chrono::duration<float, std::milli>(found.agreed_after).count());
      if (found.wrong.empty()) continue;
      if (failed++ == 0) example = "seed " + std::to_string(seed) + ": " + found.wrong.front();
    }
    wrong += failed != 0 ? 1 : 0;
    std::printf(
        "%-30s %4llu of %llu held, views one after p50 %.0f ms, at most %.0f ms%s%s\n",
        std::string(each.name).c_str(),
        number(with.seeds - failed),
        number(with.seeds),
        quantile(agreed, 0.5),
        quantile(agreed, 1.0),
        example.empty() ? "" : "\n    ",
        example.c_str()
    );
    std::fflush(stdout);
  }
  const churn_cost storm = play_churn(with.first, usual_storm);
  print(storm, usual_storm);
  return wrong == 0 && storm.ratio() <= most_storm_loads ? 0 : 1;
}

// To a person at a terminal: how far it is.
void show_progress(const verdict& so_far, std::uint64_t seeds) {
  static const bool is_watched = ::isatty(STDERR_FILENO) == 1;
  if (!is_watched) return;
  std::fprintf(
      stderr,
      "\r%llu of %llu seeds, %zu violations%s",
      number(so_far.runs),
      number(seeds),
      so_far.violations.size(),
      so_far.runs == seeds ? "\n" : " "
  );
}

// Only the sum of many runs says something about the share of a fault-ridden cluster's work.
bool does_enough(const verdict& all) {
  constexpr std::uint64_t least_answers = 1000;
  const auto holds = [](const share& of, double least, const char* what) {
    if (of.whole < least_answers || of.value() >= least) return true;
    std::printf("FLOOR: %s: %.1f %% is less than %.0f %%\n", what, percent(of), 100 * least);
    return false;
  };
  const bool reads =
      holds(all.cached_in_faults, least_cached_in_faults, "reads from cache during faults");
  const bool changes =
      holds(all.confirmed_in_faults, least_confirmed_in_faults, "invalidations OK during faults");
  return reads && changes;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--help") {
    std::fputs(usage.data(), stdout);
    return 0;
  }
  arguments with;
  try {
    with = parse(argc, argv);
  } catch (const std::invalid_argument& wrong) {
    std::fprintf(stderr, "weir_sim: %s\n", wrong.what());
    return 2;
  }
  if (with.hunts) return hunt_all(with);
  if (with.meets) return play_membership(with);
  if (with.storm != 0) {
    print(play_churn(with.first, with.storm), with.storm);
    return 0;
  }
  const auto begun = std::chrono::steady_clock::now();
  verdict all;
  for (std::uint64_t seed = with.first; seed != with.first + with.seeds; ++seed) {
    all.add(play_seed(with, seed));
    show_progress(all, with.seeds);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  print(all, took.count());
  const bool is_fine = does_enough(all) && all.violations.empty();
  return is_fine ? 0 : 1;
}
