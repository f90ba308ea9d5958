// weir stats
#include "program/commands.hpp"
#include "program/json_reader.hpp"
#include "program/text_table.hpp"
#include "utf8.hpp"

#include <weir/engine/stats.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <map>
#include <ostream>
#include <thread>

namespace weir {
namespace {

namespace json = boost::json;
constexpr auto at_right = text_table::align::right;

/// What one keyspace did on the nodes that told.
struct keyspace_sum {
  std::map<std::string, double> stats;
  read_counts reads{};
  duration_counts gets, loads;

  double of(const std::string& name) const {
    const auto found = stats.find(name);
    return found == stats.end() ? 0 : found->second;
  }
};

void add(duration_counts& to, const json::value& told) {
  const auto& buckets = array_of(told, "buckets");
  const auto count = std::min(buckets.size(), to.buckets.size());
  for (std::size_t i = 0; i != count; ++i) {
    error_code ignored;
    to.buckets[i] += buckets[i].to_number<std::uint64_t>(ignored);
  }
}

void add(keyspace_sum& to, const json::value& told) {
  const auto& stats = member_of(told, "stats");
  if (const auto* all = stats.if_object()) {
    for (const auto& [name, value] : *all) {
      if (value.is_number()) {
        to.stats[std::string(name.data(), name.size())] += value.to_number<double>();
      }
    }
  }
  const auto& reads = member_of(stats, "reads");
  for (std::size_t i = 0; i != read_outcome_count; ++i) {
    const auto from = name(static_cast<read_outcome>(i));
    to.reads[i] += static_cast<std::uint64_t>(number_of(reads, from));
  }
  const auto& durations = member_of(told, "durations");
  add(to.gets, member_of(durations, "get"));
  add(to.loads, member_of(durations, "load"));
}

std::string whole(double number) {
  return std::to_string(static_cast<std::uint64_t>(number));
}

std::string time_of(const duration_counts& of, double part) {
  const auto seconds = of.quantile(part);
  return seconds ? time_text(*seconds * 1e6) : "-";
}

std::uint64_t sum_of(const read_counts& reads) {
  std::uint64_t sum = 0;
  for (const auto each : reads) sum += each;
  return sum;
}

/// "node n1 of 3", or "nodes n1, n2, n3 of 3; n4: unavailable".
std::string head_of(const json::value& document) {
  std::string told;
  std::string silent;
  std::size_t count = 0;
  for (const auto& each : array_of(document, "nodes")) {
    const auto id = printable(text_of(each, "node"));
    if (const auto why = text_of(each, "error"); !why.empty()) {
      silent += "; " + id + ": " + printable(why);
    } else {
      told += (told.empty() ? "" : ", ") + id;
      ++count;
    }
  }
  return (count == 1 ? "node " : "nodes ") + told + " of " + count_of(document, "members") + silent;
}

void print_reads(const keyspace_sum& of, const console& to) {
  const auto all = static_cast<double>(sum_of(of.reads));
  text_table table({{"reads from"}, {"count", at_right}, {"share", at_right}});
  for (std::size_t i = 0; i != read_outcome_count; ++i) {
    const auto count = static_cast<double>(of.reads[i]);
    const auto from = std::string(name(static_cast<read_outcome>(i)));
    table.add({from, whole(count), all > 0 ? percent_text(count / all) : "-"});
  }
  to.out << '\n';
  table.print(to);
}

void print_table(const std::map<std::string, keyspace_sum>& sums, const console& to) {
  text_table table(
      {{"keyspace"},
       {"reads", at_right},
       {"hit ratio", at_right},
       {"failed", at_right},
       {"p50", at_right},
       {"p99", at_right},
       {"loads", at_right},
       {"load p99", at_right},
       {"entries", at_right}}
  );
  for (const auto& [name, of] : sums) {
    const auto ratio = hit_ratio(of.reads);
    const auto loads = of.of("loads_value") + of.of("loads_absent") + of.of("loads_failed") +
                       of.of("loads_timed_out") + of.of("loads_too_large");
    table.add({
        name,
        std::to_string(sum_of(of.reads)),
        ratio ? percent_text(*ratio) : "-",
        whole(of.of("reads_failed")),
        time_of(of.gets, 0.5),
        time_of(of.gets, 0.99),
        whole(loads),
        time_of(of.loads, 0.99),
        whole(of.of("entries")),
    });
  }
  table.print(to);
}

/// The document with the one keyspace only.
void keep_only(json::value& document, const std::string& keyspace) {
  auto* nodes = document.is_object() ? document.as_object().if_contains("nodes") : nullptr;
  if (nodes == nullptr || !nodes->is_array()) return;
  for (auto& node : nodes->as_array()) {
    auto* all = node.is_object() ? node.as_object().if_contains("keyspaces") : nullptr;
    if (all == nullptr || !all->is_array()) continue;
    auto& list = all->as_array();
    const auto is_other = [&](const json::value& each) {
      return text_of(each, "name") != keyspace;
    };
    list.erase(std::remove_if(list.begin(), list.end(), is_other), list.end());
  }
}

exit_code show_once(const command_line& line, const node_client& node, const console& to) {
  const auto* target = line.all_nodes ? "/cluster/stats?all" : "/cluster/stats";
  const auto answer = node.send(http_method::get, target);
  if (!answer) return report(to, "stats", answer.error());
  if (answer->status != 200) {
    return report(to, "stats", failure_of(*answer, target, node.server()));
  }
  auto document = document_of(*answer, node);
  if (!document) return report(to, "stats", document.error());
  std::map<std::string, keyspace_sum> sums;
  for (const auto& each : array_of(*document, "nodes")) {
    for (const auto& keyspace : array_of(each, "keyspaces")) {
      const auto name = text_of(keyspace, "name");
      if (line.keyspace.empty() || name == line.keyspace) add(sums[name], keyspace);
    }
  }
  if (!line.keyspace.empty() && sums.empty()) {
    const auto* text = line.all_nodes ? "no node has such a keyspace; weir keyspaces lists them"
                                      : "this node has no such keyspace; weir keyspaces lists them";
    return report(to, "stats", {exit_code::failure, printable(line.keyspace) + ": " + text});
  }
  if (line.output == output_format::json) {
    if (!line.keyspace.empty()) keep_only(*document, line.keyspace);
    to.out << json::serialize(*document) << std::endl;
    return exit_code::ok;
  }
  to.out << head_of(*document) << '\n';
  print_table(sums, to);
  if (!line.keyspace.empty()) print_reads(sums.begin()->second, to);
  to.out << std::flush;
  return exit_code::ok;
}

}  // namespace

exit_code run_stats(const command_line& line, const node_client& node, const console& to) {
  auto ended = show_once(line, node, to);
  while (line.watch && ended == exit_code::ok) {
    std::this_thread::sleep_for(*line.watch);
    if (line.output == output_format::table) to.out << '\n';
    ended = show_once(line, node, to);
  }
  return ended;
}

}  // namespace weir
