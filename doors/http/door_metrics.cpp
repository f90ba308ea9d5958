// The text of /metrics: counters of the door, of the keyspaces, of the cluster, of the process.
#include "common/door_process.hpp"
#include "http/http_door_impl.hpp"

#include <weir/transport/text.hpp>

#include <algorithm>
#include <map>

namespace weir {
namespace {

struct keyspace_sample {
  std::string name;
  keyspace_options options;
  keyspace_stats stats;
  std::optional<feed_status> feed;
};

// Only of keyspaces whose source tells of its changes.
void append_feeds(metrics_text& out, const std::vector<keyspace_sample>& all) {
  const auto family = [&](std::string_view name, metric_type type, std::string_view help, auto value
                      ) {
    out.family(name, type, help);
    for (const auto& each : all) {
      if (each.feed) out.sample({{"keyspace", each.name}}, std::uint64_t{value(*each.feed)});
    }
  };
  family(
      "weir_source_feed_live",
      metric_type::gauge,
      "1 while the source can tell of every change; without, reads pass through.",
      [](const feed_status& of) { return of.is == feed_status::state::live ? 1u : 0u; }
  );
  family(
      "weir_source_feed_changes_total",
      metric_type::counter,
      "Changes that the source told of.",
      [](const feed_status& of) { return of.changes; }
  );
  family(
      "weir_source_feed_resets_total",
      metric_type::counter,
      "Connections and gaps of the feed, each of which drops what was kept.",
      [](const feed_status& of) { return of.resets; }
  );
}

void append_requests(metrics_text& out, const door_counters& counters) {
  out.family(
      "weir_requests_total",
      metric_type::counter,
      "HTTP requests for data by keyspace, operation and outcome."
  );
  counters.for_each([&](const std::string& keyspace, const request_counters& of) {
    for (std::size_t op = 0; op != door_op_count; ++op) {
      for (std::size_t i = 0; i != door_outcome::count; ++i) {
        const auto outcome = door_outcome::at(i);
        const auto total = of.total(static_cast<door_op>(op), outcome);
        if (total == 0) continue;
        out.sample(
            {{"keyspace", keyspace},
             {"op", name(static_cast<door_op>(op))},
             {"outcome", outcome.name()}},
            total
        );
      }
    }
  });
  out.family(
      "weir_request_duration_seconds",
      metric_type::histogram,
      "Time from the arrival of an HTTP request for data to its answer."
  );
  counters.for_each([&](const std::string& keyspace, const request_counters& of) {
    for (std::size_t op = 0; op != door_op_count; ++op) {
      const auto durations = of.durations(static_cast<door_op>(op));
      if (durations.count == 0) continue;
      out.histogram({{"keyspace", keyspace}, {"op", name(static_cast<door_op>(op))}}, durations);
    }
  });
  out.family(
      "weir_served_bytes_total",
      metric_type::counter,
      "Bytes of values in answers of the HTTP door."
  );
  counters.for_each([&](const std::string& keyspace, const request_counters& of) {
    for (const auto op : {door_op::get, door_op::get_many}) {
      if (of.durations(op).count == 0) continue;
      out.sample({{"keyspace", keyspace}, {"op", name(op)}}, of.served(op));
    }
  });
}

void append_reads(metrics_text& out, const std::vector<keyspace_sample>& all) {
  out.family(
      "weir_reads_total",
      metric_type::counter,
      "Answered reads of this node's callers, a key of a batch each, by what answered them."
  );
  for (const auto& each : all) {
    for (std::size_t i = 0; i != read_outcome_count; ++i) {
      const auto from = name(static_cast<read_outcome>(i));
      out.sample({{"keyspace", each.name}, {"from", from}}, each.stats.reads[i]);
    }
  }
  out.family(
      "weir_reads_failed_total",
      metric_type::counter,
      "Reads of this node's callers that ended in an error."
  );
  for (const auto& each : all) {
    for (std::size_t i = 1; i != errc_count; ++i) {
      if (each.stats.reads_failed[i] == 0) continue;
      const auto outcome = name(static_cast<errc>(i));
      out.sample({{"keyspace", each.name}, {"outcome", outcome}}, each.stats.reads_failed[i]);
    }
  }
}

void append_limits(metrics_text& out, const std::vector<keyspace_sample>& all) {
  out.family(
      "weir_cache_limit_bytes",
      metric_type::gauge,
      "Memory that entries may take; those of the gutter are within that of the owned."
  );
  for (const auto& each : all) {
    out.sample({{"keyspace", each.name}, {"tier", "owned"}}, each.options.max_memory);
    out.sample({{"keyspace", each.name}, {"tier", "near"}}, each.options.near_memory);
  }
}

class keyspace_families {
 public:
  keyspace_families(metrics_text& out, const std::vector<keyspace_sample>& all)
      : out_(out), all_(all) {}

  /// A family with one number per keyspace.
  void number(
      std::string_view name,
      metric_type type,
      std::string_view help,
      std::uint64_t keyspace_stats::*field
  ) {
    out_.family(name, type, help);
    for (const auto& each : all_) out_.sample({{"keyspace", each.name}}, each.stats.*field);
  }

  /// A family with one number per keyspace and value of `label`.
  void numbers(
      std::string_view name,
      metric_type type,
      std::string_view help,
      std::string_view label,
      std::initializer_list<std::pair<std::string_view, std::uint64_t keyspace_stats::*>> fields
  ) {
    out_.family(name, type, help);
    for (const auto& each : all_) {
      for (const auto& [value, field] : fields) {
        out_.sample({{"keyspace", each.name}, {label, value}}, each.stats.*field);
      }
    }
  }

 private:
  metrics_text& out_;
  const std::vector<keyspace_sample>& all_;
};

void append_keyspaces(metrics_text& out, const std::vector<keyspace_sample>& all) {
  using stats = keyspace_stats;
  constexpr auto counter = metric_type::counter;
  constexpr auto gauge = metric_type::gauge;
  keyspace_families families(out, all);
  append_reads(out, all);
  families.numbers(
      "weir_lookups_total",
      counter,
      "Look-ups in this node's memory, for its callers and for other nodes.",
      "result",
      {{"hit", &stats::hits}, {"miss", &stats::misses}}
  );
  families.number(
      "weir_gutter_answers_total",
      counter,
      "Answers given in the place of an owner that could not be reached.",
      &stats::gutter_answers
  );
  families.number(
      "weir_flights_joined_total", counter, "Misses that joined a load in progress.", &stats::joined
  );
  families.numbers(
      "weir_source_loads_total",
      counter,
      "Loads from the data source, a key of a batch each, by outcome.",
      "outcome",
      {{"ok", &stats::loads_value},
       {"not_found", &stats::loads_absent},
       {"source_failed", &stats::loads_failed},
       {"deadline_exceeded", &stats::loads_timed_out},
       {"too_large", &stats::loads_too_large}}
  );
  out.family(
      "weir_source_load_duration_seconds",
      metric_type::histogram,
      "Time of one call of the data source, for one key or a batch."
  );
  for (const auto& each : all) out.histogram({{"keyspace", each.name}}, each.stats.load_duration);
  families.number(
      "weir_source_loads_running", gauge, "Calls of the data source now.", &stats::loads_running
  );
  families.number(
      "weir_source_loads_waiting",
      gauge,
      "Loads that wait for a running one to end.",
      &stats::loads_waiting
  );
  out.family(
      "weir_source_calls_total", counter, "Calls of the data source, for one key or a batch."
  );
  for (const auto& each : all) {
    const auto batches = std::min(each.stats.source_batches, each.stats.source_calls);
    out.sample({{"keyspace", each.name}, {"kind", "single"}}, each.stats.source_calls - batches);
    out.sample({{"keyspace", each.name}, {"kind", "batch"}}, batches);
  }
  families.number(
      "weir_source_loads_not_kept_total",
      counter,
      "Loads overtaken by a change or a lost slot.",
      &stats::loads_not_kept
  );
  families.number(
      "weir_passed_through_total",
      counter,
      "Loads in place of an owner and a gutter node that could not be asked.",
      &stats::passed_through
  );
  families.numbers(
      "weir_refused_total",
      counter,
      "Requests refused by a limit of the keyspace.",
      "reason",
      {{"overloaded", &stats::refused_overloaded}, {"too_large", &stats::refused_too_large}}
  );
  families.numbers(
      "weir_cache_bytes",
      gauge,
      "Memory taken by entries, overhead included.",
      "tier",
      {{"owned", &stats::bytes}, {"gutter", &stats::gutter_bytes}, {"near", &stats::near_bytes}}
  );
  families.number(
      "weir_cache_absent_bytes",
      gauge,
      "Of the owned ones, bytes taken by entries of absent keys, a tenth of the limit at most.",
      &stats::absent_bytes
  );
  append_limits(out, all);
  families.number("weir_cache_entries", gauge, "Entries held now.", &stats::entries);
  families.number("weir_near_entries", gauge, "Near copies held now.", &stats::near_entries);
  out.family("weir_near_dropped_total", counter, "Near copies that left, by cause.");
  for (const auto& each : all) {
    for (std::size_t i = 0; i != near_drop_count; ++i) {
      out.sample(
          {{"keyspace", each.name}, {"reason", name(static_cast<near_drop>(i))}},
          each.stats.near_dropped[i]
      );
    }
  }
  families.number(
      "weir_near_revalidated_total",
      counter,
      "Suspect near copies that their owner confirmed without sending them again.",
      &stats::revalidated
  );
  families.number(
      "weir_unleased_reads_total",
      counter,
      "Reads that an entry could have answered, had this node held a lease.",
      &stats::unleased
  );
  families.numbers(
      "weir_evictions_total",
      counter,
      "Entries dropped to make room or at the end of their TTL.",
      "reason",
      {{"size", &stats::evicted}, {"expired", &stats::expired}}
  );
  out.family(
      "weir_invalidations_total", counter, "Changes applied on this node, by who ordered them."
  );
  for (const auto& each : all) {
    const auto records = std::min(each.stats.records, each.stats.invalidations);
    out.sample({{"keyspace", each.name}, {"origin", "self"}}, each.stats.invalidations - records);
    out.sample({{"keyspace", each.name}, {"origin", "peer"}}, records);
  }
}

}  // namespace

std::string http_door::impl::metrics() const {
  metrics_text out;
  append_requests(out, counters);
  std::vector<keyspace_sample> all;
  for (const auto& each : engine.keyspaces()) {
    all.push_back({std::string(each.name()), each.options(), each.stats(), each.feed()});
  }
  append_keyspaces(out, all);
  append_feeds(out, all);
  append_cluster(out, engine);
  out.family("weir_ready", metric_type::gauge, "1 while /readyz answers 200.")
      .sample({}, std::uint64_t{is_ready() ? 1u : 0u});
  out.family(
         "weir_view_info",
         metric_type::gauge,
         "Always 1; nodes whose digest is the same have the same ring."
  )
      .sample({{"digest", hex(engine.view_digest())}}, std::uint64_t{1});
  out.family("weir_view_digest_changes_total", metric_type::counter, "Changes of this node's ring.")
      .sample({}, digest_changes.load(std::memory_order_relaxed));
  out.family(
         "weir_http_turned_away_total",
         metric_type::counter,
         "Requests without the right to be made."
  )
      .sample({{"reason", "unauthorized"}}, auth.unauthorized())
      .sample({{"reason", "forbidden"}}, auth.forbidden());
  out.family("weir_build_info", metric_type::gauge, "Always 1; what was built is in the labels.")
      .sample({{"version", options.version}, {"revision", options.revision}}, std::uint64_t{1});
  append_process_metrics(out, options.started);
  if (options.metrics) options.metrics(out);
  return out.text();
}

}  // namespace weir
