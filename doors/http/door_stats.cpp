// What the keyspaces did: of this node in /cluster/keyspaces, of all nodes in /cluster/stats.
#include "http/http_door_impl.hpp"

#include <algorithm>
#include <map>

namespace weir {
namespace {

constexpr milliseconds longest_report{2'000};  // a node that stands still is not waited for longer

void write_reads(json_writer& json, const keyspace_stats& of) {
  json.name("reads").begin_object();
  for (std::size_t i = 0; i != read_outcome_count; ++i) {
    json.member(name(static_cast<read_outcome>(i)), of.reads[i]);
  }
  json.end_object();
  std::uint64_t failed = 0;
  for (const auto each : of.reads_failed) failed += each;
  json.member("reads_failed", failed);
  if (const auto ratio = hit_ratio(of.reads)) json.member("hit_ratio", *ratio);
}

void write_durations(json_writer& json, std::string_view of, const duration_counts& counts) {
  json.name(of).begin_object().member("count", counts.count).member("seconds", counts.seconds);
  if (const auto half = counts.quantile(0.5)) json.member("p50_ms", *half * 1000);
  if (const auto most = counts.quantile(0.99)) json.member("p99_ms", *most * 1000);
  json.name("buckets").begin_array();
  for (const auto each : counts.buckets) json.value(each);
  json.end_array().end_object();
}

void write_requests(json_writer& json, const request_counters& of) {
  for (std::size_t i = 0; i != door_op_count; ++i) {
    const auto op = static_cast<door_op>(i);
    const auto durations = of.durations(op);
    if (durations.count != 0) write_durations(json, name(op), durations);
  }
}

}  // namespace

void write_stats(json_writer& json, const keyspace_stats& of) {
  json.name("stats").begin_object();
  write_reads(json, of);
  json.member("lookup_hits", of.hits).member("lookup_negative_hits", of.negative_hits);
  json.member("lookup_misses", of.misses).member("lookup_near_hits", of.near_hits);
  json.member("joined", of.joined).member("gutter_answers", of.gutter_answers);
  json.member("loads_value", of.loads_value).member("loads_absent", of.loads_absent);
  json.member("loads_failed", of.loads_failed).member("loads_timed_out", of.loads_timed_out);
  json.member("loads_too_large", of.loads_too_large);
  json.member("loads_waiting", of.loads_waiting).member("loads_running", of.loads_running);
  json.member("loads_not_kept", of.loads_not_kept);
  json.member("source_calls", of.source_calls).member("source_batches", of.source_batches);
  json.member("refused_overloaded", of.refused_overloaded);
  json.member("refused_too_large", of.refused_too_large);
  json.member("passed_through", of.passed_through);
  json.member("evicted", of.evicted).member("expired", of.expired);
  json.member("invalidations", of.invalidations).member("records", of.records);
  json.member("entries", of.entries);
  json.member("bytes", of.bytes).member("gutter_bytes", of.gutter_bytes);
  json.member("near_entries", of.near_entries);
  json.member("near_bytes", of.near_bytes).member("revalidated", of.revalidated);
  json.member("unleased", of.unleased);
  json.member("load_seconds", of.load_duration.seconds).end_object();
}

/// This node's part of the document, and what it tells others who ask.
std::string http_door::impl::report() const {
  std::map<std::string, const request_counters*, std::less<>> asked;
  counters.for_each([&](const std::string& keyspace, const request_counters& of) {
    asked[keyspace] = &of;  // they stay where they are
  });
  json_writer json;
  json.begin_object().member("node", engine.self().id).name("keyspaces").begin_array();
  for (const auto& each : engine.keyspaces()) {
    const auto stats = each.stats();
    json.begin_object().member("name", each.name());
    write_stats(json, stats);
    json.name("durations").begin_object();
    write_durations(json, "load", stats.load_duration);
    if (const auto found = asked.find(each.name()); found != asked.end()) {
      write_requests(json, *found->second);
    }
    json.end_object().end_object();
  }
  json.end_array().end_object();
  return json.text();
}

http_response http_door::impl::stats(const std::vector<member_report>& others) const {
  const auto all = engine.members();
  const auto known = std::count_if(all.begin(), all.end(), [](const member_status& each) {
    return each.is_self || !each.id.empty();
  });
  json_writer json;
  json.begin_object().member("asked", engine.self().id).member("members", known);
  json.name("duration_bounds").begin_array();
  for (const auto bound : duration_bounds) json.value(bound);
  json.end_array().name("nodes").begin_array().raw_value(report());
  for (const auto& each : others) {
    if (!each.error && each.text.starts_with('{') && each.text.ends_with('}')) {
      json.raw_value(each.text);
      continue;
    }
    const auto why = each.error ? each.error : make_error_code(errc::protocol);
    json.begin_object().member("node", each.id).member("error", name(why)).end_object();
  }
  json.end_array().end_object();
  return json_answer(json);
}

asio::awaitable<http_response> http_door::impl::all_stats(const http_request& request) const {
  const auto timeout = std::min(time_left(request) * 3 / 4, longest_report);
  const auto others = co_await engine.async_reports(timeout);
  co_return stats(others);
}

}  // namespace weir
