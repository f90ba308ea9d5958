// weir_sim: many seeds of the scenario and one table, or the score of the mutations. Exits 1 when a
// promise was broken, the cluster did too little, or a mutation got away.

#include "tests/sim/courses/sim_growth.hpp"
#include "tests/sim/courses/sim_membership.hpp"
#include "tests/sim/courses/sim_refill.hpp"
#include "tests/sim/courses/sim_scenario.hpp"
#include "tests/sim/courses/sim_storm.hpp"
#include "tests/sim/judges/sim_bounds.hpp"
#include "tests/sim/judges/sim_mutations.hpp"
#include "tests/sim/sim_report.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace weir::sim;

struct arguments {
  std::uint64_t first = 1;
  std::uint64_t seeds = 200;
  std::size_t nodes = 0;
  std::size_t jobs = 1;
  double requests_per_second = 250;
  std::optional<flavour> about;  ///< empty = general, or that of the mutation
  std::optional<std::uint64_t> verbose;
  bool is_gate = false;
  bool hunts = false;
  std::size_t storm = 0;  ///< that many nodes come and go; 0 = none
  bool refills = false;   ///< caches that were emptied
  bool meets = false;     ///< the courses of membership, and the storm
  bool weighs = false;    ///< what a change costs
  std::string mutant;     ///< one mutation only; empty = none, or all when hunting
};

constexpr std::size_t usual_storm = 4;
constexpr double most_storm_loads = 2;  ///< times those of calm

constexpr std::string_view usage =
    "weir_sim [--seeds N] [--first N] [--nodes N] [--rate REQUESTS_PER_SECOND] [--flavour NAME]\n"
    "         [--mutant RULE] [--verbose SEED] [--jobs THREADS]\n"
    "weir_sim --gate        200 seeds, and 10 of each flavour; ten times as many with WEIR_SOAK=1 "
    "in\n"
    "                       the environment\n"
    "weir_sim --mutations [--mutant RULE] [--seeds N]\n"
    "weir_sim --membership [--seeds N] [--first N]   how nodes find, lose and mistake each other\n"
    "weir_sim --bounds [--seeds N] [--first N]       what a change costs in each state of the "
    "cluster\n"
    "weir_sim --refill [--first SEED]   all caches emptied at once, over a source that refuses "
    "what it cannot take\n"
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
  } else if (option == "--jobs") {
    into.jobs = count_from(option, value);
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
    } else if (option == "--refill") {
      parsed.refills = true;
    } else if (option == "--membership") {
      parsed.meets = true;
      parsed.seeds = 20;
    } else if (option == "--bounds") {
      parsed.weighs = true;
    } else if (option == "--gate") {
      const char* soak = std::getenv("WEIR_SOAK");
      parsed.seeds = soak != nullptr && std::string_view(soak) == "1" ? 2000 : 200;
      parsed.is_gate = true;
    } else {
      take(parsed, option, i + 1 == argc ? "" : argv[i + 1]);
      ++i;
    }
  }
  return parsed;
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

// Each thread takes the next seed; they are added in their order, whatever the number of threads.
verdict play_all(const arguments& with) {
  const std::uint64_t end = with.first + with.seeds;
  std::mutex mutex;
  std::uint64_t next = with.first;
  std::uint64_t added = with.first;
  std::map<std::uint64_t, verdict> played;
  verdict all;
  const auto work = [&] {
    std::unique_lock lock(mutex);
    while (next != end) {
      const std::uint64_t seed = next++;
      lock.unlock();
      verdict found = play_seed(with, seed);
      lock.lock();
      played.emplace(seed, std::move(found));
      for (auto each = played.find(added); each != played.end(); each = played.find(++added)) {
        all.add(each->second);
        played.erase(each);
        show_progress(all, with.seeds);
      }
    }
  };
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < with.jobs; ++i) threads.emplace_back(work);
  work();
  threads.clear();
  return all;
}

// A few seeds of each kind of trouble beside the general one.
bool play_flavours(arguments with) {
  with.seeds /= 20;
  bool is_fine = true;
  for (int i = 0; i <= static_cast<int>(flavour::last); ++i) {
    with.about = static_cast<flavour>(i);
    if (with.about == flavour::general) continue;
    const verdict all = play_all(with);
    std::printf(
        "%-10s %4llu seeds, %8llu reads, %7llu changes, %zu violations\n",
        std::string(name(*with.about)).c_str(),
        number(all.runs),
        number(all.reads),
        number(all.changes),
        all.violations.size()
    );
    std::fflush(stdout);
    is_fine &= all.violations.empty();
  }
  return is_fine;
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

int refill_all(std::uint64_t seed) {
  bool is_fine = true;
  for (const auto how : {emptied_by::clear, emptied_by::restart}) {
    for (const std::size_t concurrent : {std::size_t{64}, std::size_t{8}}) {
      const refill_plan plan{.seed = seed, .how = how, .concurrent = concurrent};
      const refill_course course = play_refill(plan);
      print(course, plan);
      is_fine = is_fine && course.recovered_after != 0 && course.most_running <= concurrent &&
                course.unanswered == 0;
    }
  }
  return is_fine ? 0 : 1;
}

// What it costs to grow, and to start. Says whether what is promised held.
bool print_growth(std::uint64_t seed) {
  struct size {
    std::size_t from;
    std::size_t to;
  };

  bool is_fine = true;
  std::printf("growth, newcomers start 120 s after they are named\n");
  for (const naming kind : namings) {
    for (const auto [from, to] : {size{1, 2}, size{3, 6}, size{3, 9}}) {
      growth_script script{.kind = kind, .from = from, .to = to};
      const growth_result silent = play_growth(script, seed);
      script.is_cut = true;
      const growth_result cut = play_growth(script, seed);
      std::printf(
          "  %-11s %zu to %zu: %zu leases lost, %5.1f %% of the reads from cache; behind a cut: "
          "%llu second clusters\n",
          std::string(name(kind)).c_str(),
          from,
          to,
          silent.leases_lost,
          100 * silent.cached,
          number(cut.second_clusters)
      );
      is_fine &= silent.found.wrong.empty() && cut.found.wrong.empty();
      is_fine &= kind != naming::marked || silent.leases_lost == 0;
    }
  }
  std::printf("cold starts, until all have leases\n");
  for (const naming kind : namings) {
    std::printf("  %-11s", std::string(name(kind)).c_str());
    for (const auto [nodes, dead] : {size{3, 0}, size{3, 1}, size{5, 0}, size{5, 1}}) {
      const auto took = play_cold_start(kind, nodes, dead, seed);
      const auto millis = std::chrono::duration<double, std::milli>(took.value_or(0ns)).count();
      std::printf(" %zu nodes, %zu dead: %.0f ms;", nodes, dead, took ? millis : -1);
    }
    std::printf("\n");
  }
  return is_fine;
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
  wrong += print_growth(with.first) ? 0 : 1;
  return wrong == 0 && storm.ratio() <= most_storm_loads ? 0 : 1;
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
  if (with.weighs) return keeps_bounds(with.first, with.seeds) ? 0 : 1;
  if (with.refills) return refill_all(with.first);
  if (with.storm != 0) {
    print(play_churn(with.first, with.storm), with.storm);
    return 0;
  }
  const auto begun = std::chrono::steady_clock::now();
  verdict all = play_all(with);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  print(all, took.count());
  bool is_fine = does_enough(all) && all.violations.empty();
  if (with.is_gate) is_fine &= play_flavours(with);
  return is_fine ? 0 : 1;
}
