#include "tests/sim/sim_report.hpp"

#include <array>
#include <chrono>
#include <cstdio>
#include <map>
#include <string>
#include <unistd.h>

namespace weir::sim {

namespace {

double percent(const share& of) {
  return 100 * of.value();
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

}  // namespace

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

void print(const refill_course& course, const refill_plan& plan) {
  const auto per_cent = [](double of) { return 100.0 * of; };
  refill_second sum;
  for (const refill_second& each : course.seconds) {
    sum.reads += each.reads;
    sum.failed += each.failed;
    sum.taken += each.taken;
    sum.refused += each.refused;
  }
  std::printf(
      "emptied by %-8s %zu keys, %.0f reads/s, a source for %.0f loads/s, loads.concurrent %zu:\n"
      "                 hit ratio %.1f %% before, 95 %% of it again after %d s; %zu loads of a "
      "node at once at most;\n"
      "                 %llu reads, %llu failed, %llu never answered; %llu loads taken, %llu "
      "refused\n"
      "                 second: hit ratio, failed reads, loads taken and refused:",
      plan.how == emptied_by::clear ? "clear" : "restart",
      plan.keys,
      plan.reads_per_second,
      plan.loads_per_second,
      plan.concurrent,
      per_cent(course.before),
      course.recovered_after,
      course.most_running,
      number(sum.reads),
      number(sum.failed),
      number(course.unanswered),
      number(sum.taken),
      number(sum.refused)
  );
  constexpr std::array<std::size_t, 9> shown{0, 1, 2, 5, 10, 20, 30, 45, 59};
  for (const std::size_t at : shown) {
    if (at >= course.seconds.size()) break;
    const refill_second& each = course.seconds[at];
    std::printf(
        " %zu: %.1f %% %llu %llu %llu;",
        at + 1,
        per_cent(each.hit_ratio()),
        number(each.failed),
        number(each.taken),
        number(each.refused)
    );
  }
  std::printf("\n");
  std::fflush(stdout);
}

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

}  // namespace weir::sim
