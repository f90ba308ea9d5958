#include "tests/transport/door_support.hpp"

#include <weir/transport/metrics_text.hpp>

#include <cmath>
#include <cstdlib>
#include <map>
#include <regex>
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
  void take(const std::string& line) {
    static const std::regex help("# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (\\S.*)");
    static const std::regex type("# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)");
    std::smatch match;
    if (std::regex_match(line, match, help)) {
      helped_ = match[1];
    } else if (std::regex_match(line, match, type)) {
      EXPECT_EQ(match[1], helped_) << "no HELP before " << line;
      EXPECT_TRUE(types_.emplace(match[1], match[2]).second) << "twice: " << line;
      family_ = match[1];
      EXPECT_EQ(match[2] == "counter", family_.ends_with("_total")) << line;
    } else {
      take_sample(line);
    }
  }

  void take_sample(const std::string& line) {
    static const std::regex sample(
        "([a-zA-Z_:][a-zA-Z0-9_:]*)"
        "(\\{[a-zA-Z_]\\w*=\"([^\"\\\\\n]|\\\\[\\\\\"n])*\""
        "(,[a-zA-Z_]\\w*=\"([^\"\\\\\n]|\\\\[\\\\\"n])*\")*\\})?"
        " ([0-9.e+-]+|\\+Inf|-Inf|NaN)"
    );
    std::smatch match;
    ASSERT_TRUE(std::regex_match(line, match, sample)) << line;
    const std::string name = match[1];
    const bool is_histogram = types_[family_] == "histogram";
    const bool belongs = is_histogram ? name == family_ + "_bucket" || name == family_ + "_sum" ||
                                            name == family_ + "_count"
                                      : name == family_;
    EXPECT_TRUE(belongs) << line << " stands in the block of " << family_;
    const auto value = std::strtod(match[6].str().c_str(), nullptr);
    EXPECT_TRUE(samples_.emplace(match[1].str() + match[2].str(), value).second) << line;
    if (name.ends_with("_bucket")) take_bucket(name, match[2].str(), value);
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
        "weir_flights_joined_total",
        "weir_cache_bytes",
        "weir_cache_entries",
        "weir_evictions_total",
        "weir_peer_rtt_seconds",
        "weir_members",
        "weir_ring_share_ratio",
        "weir_view_digest_changes_total",
        "weir_invalidations_total",
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

TEST_F(DoorMetrics, ShowTheClusterAndItsRing) {
  engine_.on_event([this](const cluster_event& event) { door_.note(event); });
  add_peer();
  const auto got = metrics();
  EXPECT_EQ(got.value(R"(weir_members{state="reachable"})"), 2);
  EXPECT_GE(got.value("weir_view_digest_changes_total"), 1);
  const auto sum = got.value(R"(weir_ring_share_ratio{node="n1"})") +
                   got.value(R"(weir_ring_share_ratio{node="n2"})");
  EXPECT_DOUBLE_EQ(sum, 1);
  EXPECT_EQ(got.value(R"(weir_build_info{version="1.2.3",revision=""})"), 1);
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
