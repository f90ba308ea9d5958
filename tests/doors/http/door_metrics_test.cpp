#include "tests/doors/http/door_support.hpp"

#include <weir/transport/metrics_text.hpp>
#include <weir/transport/reply_budget.hpp>

#include <cctype>
#include <cstdlib>
#include <map>
#include <set>

namespace weir::test {
namespace {

/// Reads the Prometheus text format as strictly as promtool does, and fails the test on a fault.
class exposition {
 public:
  explicit exposition(const std::string& text) {
    EXPECT_TRUE(text.empty() || text.back() == '\n');
    std::size_t begin = 0;
    while (begin < text.size()) {
      const auto end = text.find('\n', begin);
      take(text.substr(begin, end - begin));
      begin = end + 1;
    }
    check_histograms();
  }

  bool has(const std::string& family) const { return types_.count(family) != 0; }

  /// The value of the sample written exactly so; NaN when there is none.
  double value(const std::string& sample) const {
    const auto found = samples_.find(sample);
    return found == samples_.end() ? std::nan("") : found->second;
  }

  const std::map<std::string, double>& samples() const { return samples_; }

 private:
  /// Takes characters off the front of `rest` while `belongs` holds.
  template <class Predicate>
  static std::string take_while(std::string_view& rest, Predicate belongs) {
    std::size_t end = 0;
    while (end != rest.size() && belongs(rest[end])) ++end;
    const std::string taken(rest.substr(0, end));
    rest.remove_prefix(end);
    return taken;
  }

  static std::string take_name(std::string_view& rest) {
    auto name = take_while(rest, [](char c) { return std::isalnum(c) || c == '_' || c == ':'; });
    EXPECT_FALSE(name.empty()) << rest;
    EXPECT_FALSE(!name.empty() && std::isdigit(name.front())) << name;
    return name;
  }

  static bool skip(std::string_view& rest, std::string_view expected) {
    if (!rest.starts_with(expected)) return false;
    rest.remove_prefix(expected.size());
    return true;
  }

  void take(const std::string& line) {
    std::string_view rest = line;
    if (skip(rest, "# HELP ")) {
      helped_ = take_name(rest);
      EXPECT_TRUE(skip(rest, " ") && !rest.empty()) << line;
    } else if (skip(rest, "# TYPE ")) {
      family_ = take_name(rest);
      EXPECT_EQ(family_, helped_) << "no HELP before " << line;
      EXPECT_TRUE(rest == " counter" || rest == " gauge" || rest == " histogram") << line;
      EXPECT_EQ(rest == " counter", family_.ends_with("_total")) << line;
      EXPECT_TRUE(types_.emplace(family_, rest.substr(1)).second) << "twice: " << line;
    } else {
      take_sample(line);
    }
  }

  void take_sample(const std::string& line) {
    std::string_view rest = line;
    const auto name = take_name(rest);
    const bool is_part_of_histogram =
        name == family_ + "_bucket" || name == family_ + "_sum" || name == family_ + "_count";
    const bool belongs = types_[family_] == "histogram" ? is_part_of_histogram : name == family_;
    EXPECT_TRUE(belongs) << line << " stands in the block of " << family_;
    const auto labels = take_labels(rest);
    ASSERT_TRUE(skip(rest, " ")) << line;
    char* end = nullptr;
    const std::string number(rest);
    const auto value = std::strtod(number.c_str(), &end);
    EXPECT_TRUE(!number.empty() && *end == '\0') << line;
    EXPECT_TRUE(samples_.emplace(name + labels, value).second) << "twice: " << line;
    if (name.ends_with("_bucket")) take_bucket(name, labels, value);
  }

  static std::string take_labels(std::string_view& rest) {
    const auto begin = rest;
    if (!skip(rest, "{")) return {};
    do {
      take_name(rest);
      EXPECT_TRUE(skip(rest, "=\"")) << begin;
      while (!rest.empty() && rest.front() != '"') {
        const bool is_escape =
            rest.starts_with("\\\\") || rest.starts_with("\\\"") || rest.starts_with("\\n");
        EXPECT_TRUE(is_escape || rest.front() != '\\') << begin;
        rest.remove_prefix(is_escape ? 2 : 1);
      }
      EXPECT_TRUE(skip(rest, "\"")) << begin;
    } while (skip(rest, ","));
    EXPECT_TRUE(skip(rest, "}")) << begin;
    return std::string(begin.substr(0, begin.size() - rest.size()));
  }

  void take_bucket(const std::string& name, std::string labels, double value) {
    const auto bound = labels.rfind("le=\"");
    ASSERT_NE(bound, std::string::npos);
    const auto series = name + labels.substr(0, bound);
    EXPECT_GE(value, buckets_[series]) << "buckets of " << series << " go down";
    buckets_[series] = value;
    if (labels.find("le=\"+Inf\"") != std::string::npos) complete_.insert(series);
  }

  void check_histograms() const {
    for (const auto& [series, last] : buckets_) {
      EXPECT_EQ(complete_.count(series), 1u) << series << " has no +Inf";
    }
  }

  std::string helped_, family_;
  std::map<std::string, std::string> types_;
  std::map<std::string, double> samples_;
  std::map<std::string, double> buckets_;
  std::set<std::string> complete_;
};

class DoorMetrics : public door_fixture {
 protected:
  exposition metrics() { return exposition(get("/metrics").body); }
};

TEST_F(DoorMetrics, AreInTheTextFormatOfPrometheus) {
  const auto got = get("/metrics");
  EXPECT_EQ(field(got, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  exposition checked(got.body);
  for (const auto* family :
       {"weir_requests_total",
        "weir_request_duration_seconds",
        "weir_source_loads_total",
        "weir_source_load_duration_seconds",
        "weir_source_loads_running",
        "weir_source_loads_waiting",
        "weir_source_calls_total",
        "weir_reads_total",
        "weir_reads_failed_total",
        "weir_lookups_total",
        "weir_gutter_answers_total",
        "weir_served_bytes_total",
        "weir_ready",
        "weir_view_info",
        "weir_flights_joined_total",
        "weir_cache_bytes",
        "weir_cache_entries",
        "weir_evictions_total",
        "weir_peer_rtt_seconds",
        "weir_members",
        "weir_config_mismatch",
        "weir_hint_bytes",
        "weir_journal_bytes",
        "weir_changes_waiting_bytes",
        "weir_votes_ignored_total",
        "weir_hedged_total",
        "weir_peer_suspicions_total",
        "weir_peers_suspect",
        "weir_ring_share_ratio",
        "weir_view_digest_changes_total",
        "weir_invalidations_total",
        "weir_invalidation_duration_seconds",
        "weir_invalidation_longest_seconds",
        "weir_changes_total",
        "weir_cache_limit_bytes",
        "weir_near_entries",
        "weir_near_dropped_total",
        "weir_lease_valid",
        "weir_lease_losses_total",
        "weir_feed_lag_records",
        "weir_build_info",
        "process_cpu_seconds_total",
        "process_resident_memory_bytes",
        "process_open_fds",
        "process_max_fds",
        "process_start_time_seconds"}) {
    EXPECT_TRUE(checked.has(family)) << family;
  }
}

TEST_F(DoorMetrics, CountRequestsByKeyspaceOperationAndOutcome) {
  source->has("a", "1");
  get("/v1/users/a");
  get("/v1/users/a");
  get("/v1/users/nobody");
  get("/v1/nobody/a");
  put("/v1/notes/a", "x");
  put("/v1/users/a", "x");
  request("DELETE", "/v1/notes/a");
  request("PURGE", "/v1/users/a");
  post("/v1/users?get", R"({"keys":["a","b"]})");
  post("/v1/users?purge", R"({"all":true})");
  const auto got = metrics();
  const auto total = [&](const char* labels) {
    return got.value(std::string("weir_requests_total{keyspace=") + labels + "}");
  };
  EXPECT_EQ(total(R"("users",op="get",outcome="ok")"), 2);
  EXPECT_EQ(total(R"("users",op="get",outcome="not_found")"), 1);
  EXPECT_EQ(total(R"("",op="get",outcome="no_keyspace")"), 1);
  EXPECT_EQ(total(R"("notes",op="put",outcome="ok")"), 1);
  EXPECT_EQ(total(R"("users",op="put",outcome="method_not_allowed")"), 1);
  EXPECT_EQ(total(R"("notes",op="remove",outcome="ok")"), 1);
  EXPECT_EQ(total(R"("users",op="invalidate",outcome="ok")"), 1);
  EXPECT_EQ(total(R"("users",op="get_many",outcome="ok")"), 1);
  EXPECT_EQ(total(R"("users",op="clear",outcome="ok")"), 1);
  EXPECT_EQ(got.value(R"(weir_request_duration_seconds_count{keyspace="users",op="get"})"), 3);
  EXPECT_GT(got.value(R"(weir_request_duration_seconds_sum{keyspace="users",op="get"})"), 0);
}

TEST_F(DoorMetrics, CountLoadsAndEntries) {
  source->has("a", "1");
  source->fails("b");
  get("/v1/users/a");
  get("/v1/users/b");
  get("/v1/users/nobody");
  const auto got = metrics();
  EXPECT_EQ(got.value(R"(weir_source_loads_total{keyspace="users",outcome="ok"})"), 1);
  EXPECT_EQ(got.value(R"(weir_source_loads_total{keyspace="users",outcome="source_failed"})"), 1);
  EXPECT_EQ(got.value(R"(weir_source_loads_total{keyspace="users",outcome="not_found"})"), 1);
  EXPECT_EQ(got.value(R"(weir_source_load_duration_seconds_count{keyspace="users"})"), 3);
  EXPECT_EQ(got.value(R"(weir_cache_entries{keyspace="users"})"), 2);
  EXPECT_GT(got.value(R"(weir_cache_bytes{keyspace="users",tier="owned"})"), 0);
}

TEST_F(DoorMetrics, CountReadsOnceByWhatAnsweredThem) {
  source->has("a", "1");
  source->fails("b");
  get("/v1/users/a");
  get("/v1/users/a");
  get("/v1/users/b");
  post("/v1/users?get", R"({"keys":["a","c"]})");
  const auto got = metrics();
  const auto reads = [&](const std::string& from) {
    return got.value("weir_reads_total{keyspace=\"users\",from=\"" + from + "\"}");
  };
  EXPECT_EQ(reads("source"), 2);
  EXPECT_EQ(reads("memory"), 2);
  for (const auto* other : {"near", "owner", "gutter", "joined", "passed", "stale"})
    EXPECT_EQ(reads(other), 0) << other;
  const auto* failed = R"(weir_reads_failed_total{keyspace="users",outcome="source_failed"})";
  EXPECT_EQ(got.value(failed), 1);
}

TEST_F(DoorMetrics, CountAHitThatWaitsForReplyMemoryOnce) {
  source->has("a", std::string(60'000, 'v'));
  get("/v1/users/a");
  const auto budget = std::make_shared<reply_budget>(300'000);
  http_server pressed(runtime_.loops(), http_limits{.reply_wait = std::chrono::minutes(1)}, door_);
  pressed.share_replies(budget);
  raw_client client(pressed.listen("127.0.0.1:0").value());
  budget->force(260'000);
  client.send(test::get("/v1/users/a"));
  EXPECT_FALSE(client.has_news_within(std::chrono::milliseconds(50)));
  budget->give_back(260'000);
  EXPECT_EQ(client.receive().body.size(), 60'000U);
  client.send(test::get("/v1/users/a"));
  EXPECT_EQ(client.receive().status, 200U);
  pressed.stop();
  const auto got = metrics();
  EXPECT_EQ(got.value(R"(weir_reads_total{keyspace="users",from="memory"})"), 2);
  EXPECT_EQ(got.value(R"(weir_requests_total{keyspace="users",op="get",outcome="ok"})"), 3);
}

TEST_F(DoorMetrics, CountTheBytesOfValues) {
  source->has("a", "12345");
  get("/v1/users/a");
  get("/v1/users/a");
  get("/v1/users/nobody");
  request("HEAD", "/v1/users/a");
  post("/v1/users?get", R"({"keys":["a","nobody"]})");
  const auto got = metrics();
  EXPECT_EQ(got.value(R"(weir_served_bytes_total{keyspace="users",op="get"})"), 10);
  EXPECT_EQ(got.value(R"(weir_served_bytes_total{keyspace="users",op="get_many"})"), 5);
}

TEST_F(DoorMetrics, ShowLimitsAndLoadsThatWait) {
  auto small = settings("small");
  small.max_memory = 4u << 20;
  small.near_memory = 1u << 20;
  small.loads.concurrent = 1;
  const auto added = engine_.add_keyspace(small, source);
  source->holds("a");
  source->holds("b");
  auto one = connect();
  auto other = connect();
  one.send("GET /v1/small/a HTTP/1.1\r\nHost: test\r\n\r\n");
  other.send("GET /v1/small/b HTTP/1.1\r\nHost: test\r\n\r\n");
  ASSERT_TRUE(eventually([&] { return added.stats().loads_waiting == 1; }));
  const auto got = metrics();
  EXPECT_EQ(got.value(R"(weir_source_loads_waiting{keyspace="small"})"), 1);
  EXPECT_EQ(got.value(R"(weir_source_loads_running{keyspace="small"})"), 1);
  EXPECT_EQ(got.value(R"(weir_cache_limit_bytes{keyspace="small",tier="owned"})"), 4 << 20);
  EXPECT_EQ(got.value(R"(weir_cache_limit_bytes{keyspace="small",tier="near"})"), 1 << 20);
}

TEST_F(DoorMetrics, ShowTheClusterAndItsRing) {
  engine_.on_event([this](const cluster_event& event) { door_.note(event); });
  add_peer();
  // Changes within a moment are one event, told after it.
  ASSERT_TRUE(eventually([&] { return metrics().value("weir_view_digest_changes_total") >= 1; }));
  const auto got = metrics();
  EXPECT_EQ(got.value(R"(weir_members{state="reachable"})"), 2);
  const auto digest = json_of(get("/cluster/ring")).at("digest").as_string();
  EXPECT_EQ(got.value("weir_view_info{digest=\"" + std::string(digest) + "\"}"), 1);
  EXPECT_EQ(got.value("weir_ready"), 1);
  const auto sum = got.value(R"(weir_ring_share_ratio{node="n1"})") +
                   got.value(R"(weir_ring_share_ratio{node="n2"})");
  EXPECT_DOUBLE_EQ(sum, 1);
  EXPECT_EQ(got.value(R"(weir_build_info{version="1.2.3",revision=""})"), 1);
}

TEST_F(DoorMetrics, ShowTheLeaseTheFeedsAndTheNearCopies) {
  add_peer();
  const auto got = metrics();
  const auto valid = got.value("weir_lease_valid");
  const auto remaining = got.value("weir_lease_remaining_seconds");
  EXPECT_TRUE(valid == 0 ? remaining == 0 : valid == 1 && remaining > 0 && remaining <= 3)
      << valid << ' ' << remaining;
  EXPECT_GE(got.value(R"(weir_feed_lag_records{peer="n2"})"), 0);
  EXPECT_EQ(got.value(R"(weir_cache_bytes{keyspace="users",tier="near"})"), 0);
  for (const auto* reason : {"record", "reset", "expired", "evicted", "moved", "cleared"}) {
    const auto labels = std::string(R"({keyspace="users",reason=")") + reason + "\"}";
    EXPECT_EQ(got.value("weir_near_dropped_total" + labels), 0) << reason;
  }
  for (const auto* outcome : {"ok", "partial", "failed"})
    EXPECT_EQ(got.value(std::string("weir_changes_total{outcome=\"") + outcome + "\"}"), 0);
}

TEST_F(DoorMetrics, TellWhoOrderedAChange) {
  request("PURGE", "/v1/users/a");
  const auto got = metrics();
  EXPECT_EQ(got.value(R"(weir_invalidations_total{keyspace="users",origin="self"})"), 1);
  EXPECT_EQ(got.value(R"(weir_invalidations_total{keyspace="users",origin="peer"})"), 0);
}

TEST_F(DoorMetrics, ShowNoKeys) {
  source->has("secret-key", "1");
  get("/v1/users/secret-key");
  get("/v1/secret-keyspace/a");
  EXPECT_THAT(get("/metrics").body, testing::Not(testing::HasSubstr("secret")));
}

class DoorMoreMetrics : public door_fixture {
 protected:
  DoorMoreMetrics()
      : door_fixture(door_options{.metrics = [](metrics_text& out) {
          out.family("weir_peer_requests_total", metric_type::counter, "Requests to peers.")
              .sample({{"peer", "n\"2\\\n\xff"}, {"outcome", "ok"}}, std::uint64_t{3});
        }}) {}
};

TEST_F(DoorMoreMetrics, ComeFromTheHookWithLabelsEscaped) {
  const exposition got(get("/metrics").body);
  EXPECT_EQ(
      got.value("weir_peer_requests_total{peer=\"n\\\"2\\\\\\n\xef\xbf\xbd\",outcome=\"ok\"}"), 3
  );
}

TEST(MetricsText, WritesNumbersThatReadBack) {
  metrics_text out;
  out.family("a", metric_type::gauge, "Help.").sample({}, 0.1);
  out.family("b", metric_type::gauge, "Help.").sample({}, std::uint64_t{18446744073709551615u});
  out.family("c", metric_type::gauge, "Help.").sample({}, std::nan(""));
  EXPECT_EQ(
      out.text(),
      "# HELP a Help.\n# TYPE a gauge\na 0.1\n"
      "# HELP b Help.\n# TYPE b gauge\nb 18446744073709551615\n"
      "# HELP c Help.\n# TYPE c gauge\nc NaN\n"
  );
}

TEST(MetricsText, HistogramBucketsAreCumulative) {
  duration_counts counts;
  counts.buckets = {1, 2};
  counts.buckets.back() = 4;
  counts.seconds = 40;
  metrics_text out;
  out.family("t", metric_type::histogram, "Help.").histogram({{"op", "get"}}, counts);
  const exposition got(out.text());
  EXPECT_EQ(got.value("t_bucket{op=\"get\",le=\"1e-05\"}"), 1);
  EXPECT_EQ(got.value("t_bucket{op=\"get\",le=\"5\"}"), 3);
  EXPECT_EQ(got.value("t_bucket{op=\"get\",le=\"+Inf\"}"), 7);
  EXPECT_EQ(got.value("t_count{op=\"get\"}"), 7);
  EXPECT_EQ(got.value("t_sum{op=\"get\"}"), 40);
}

}  // namespace
}  // namespace weir::test
