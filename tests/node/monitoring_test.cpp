// What deploy/prometheus asks for is what a node tells, with these labels and values; and every
// metric has its line in docs/http.md.

#include "node/program/served_node.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/waiting.hpp"

#include <weir/config/load.hpp>
#include <weir/discovery/static_provider.hpp>
#include <weir/transport/http_client.hpp>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <unistd.h>

namespace weir {
namespace {

namespace fs = std::filesystem;
using weir_test::authority;
using weir_test::tls_folder;

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

template <class Do>
void for_each_match(const std::string& text, const std::regex& shape, const Do& what) {
  for (std::sregex_iterator at(text.begin(), text.end(), shape), end; at != end; ++at) what(*at);
}

/// The families that a node tells, with the values of their labels.
class told_metrics {
 public:
  explicit told_metrics(const std::string& text) {
    const std::regex line(R"(^([a-z_]+)(?:\{(.*)\})? [^ ]+$)");
    const std::regex label(R"lit(([a-z_]+)="((?:[^"\\]|\\.)*)")lit");
    std::istringstream lines(text);
    for (std::string each; std::getline(lines, each);) {
      if (each.starts_with("# TYPE ")) {
        family_ = each.substr(7, each.find(' ', 7) - 7);
        families_[family_];
      }
      std::smatch found;
      if (each.starts_with('#') || !std::regex_match(each, found, line)) continue;
      for_each_match(found.str(2), label, [&](const std::smatch& one) {
        families_[family_][one.str(1)].insert(one.str(2));
      });
    }
  }

  /// The family of a series such as `x_bucket`.
  std::string family_of(std::string series) const {
    for (const std::string suffix : {"_bucket", "_sum", "_count"}) {
      if (families_.contains(series) || !series.ends_with(suffix)) continue;
      series.resize(series.size() - suffix.size());
    }
    return series;
  }

  bool has(const std::string& family) const { return families_.contains(family); }

  const std::map<std::string, std::set<std::string>>& labels(const std::string& family) const {
    return families_.at(family);
  }

  std::set<std::string> families() const {
    std::set<std::string> all;
    for (const auto& [name, labels] : families_) all.insert(name);
    return all;
  }

 private:
  std::string family_;
  std::map<std::string, std::map<std::string, std::set<std::string>>> families_;
};

/// Node n1 as `weir serve` runs it, with TLS between the nodes, and n2 beside it; both were used.
class MonitoringTest : public testing::Test {
 protected:
  MonitoringTest() {
    files_.write("ca.crt", ca_.pem());
    other_files_.write("ca.crt", ca_.pem());
    std::ofstream(files_.path("page")) << "text";
    start_other();
    start_served();
    use();
  }

  ~MonitoringTest() override {
    served_.reset();
    other_.reset();
    log_.reset();
    ::close(nowhere_);
  }

  void start_other() {
    other_files_.write(ca_.issue("n2"));
    node_options options{
        .cluster = "test",
        .id = "n2",
        .peer_address = "127.0.0.1:0",
        .discovery = std::make_shared<static_provider>(std::vector<candidate>{}),
        .runtime = {.threads = 1},
    };
    options.peer_tls = {other_files_.cert(), other_files_.key(), other_files_.ca()};
    other_ = std::make_unique<node>(std::move(options));
    other_->start().value();
  }

  void start_served() {
    files_.write(ca_.issue("n1"));
    const auto port = [] { return std::to_string(test::free_port()); };
    const auto yaml =
        "cluster: test\nnode: {id: n1, threads: 1}\nlisten:\n  peer: {address: \"127.0.0.1:" +
        port() + "\"}\n  http: {address: \"127.0.0.1:" + port() +
        "\"}\ntls: {cert: " + files_.cert() + ", key: " + files_.key() + ", ca: " + files_.ca() +
        "}\ndiscovery: {static: {peers: [\"n2=" + other_->peer_address() +
        "\"]}}\nkeyspaces:\n  - name: pages\n    near: {max_memory: 1MiB}\n    source: "
        "{type: file, root: " +
        fs::path(files_.cert()).parent_path().string() + "}\n";
    const auto loaded = config::load_text("n1.yaml", yaml, {}, config::process_outside());
    ASSERT_TRUE(loaded.settings) << yaml
                                 << (loaded.problems.empty() ? "" : loaded.problems[0].text);
    log_ = std::make_unique<log_writer>(nowhere_, log_style::json, log_level::error);
    served_ = std::make_unique<served_node>(*loaded.settings, *log_);
    served_->start().value();
  }

  void use() {
    const auto base = "http://" + served_->node().http_address() + "/v1/pages";
    ASSERT_TRUE(http_fetch({.url = base + "/page"}));
    http_client_request batch{.method = http_method::post, .url = base + "?get"};
    batch.body = bytes(R"({"keys":["page"]})");
    ASSERT_TRUE(http_fetch(batch));
    auto pages = served_->node().find_keyspace("pages");
    EXPECT_EQ(pages.get("").error(), errc::bad_key);
    const auto has_met = [this] {
      const auto text = served_->node().metrics();
      const auto tells = [&](const char* series) { return text.find(series) != text.npos; };
      return tells("weir_peer_rtt_seconds{peer=\"n2\"}") &&
             tells("weir_config_mismatch{peer=\"n2\"}") &&
             tells("weir_peer_requests_total{peer=\"n2\"");
    };
    ASSERT_TRUE(test::eventually(has_met));
  }

  told_metrics told() const { return told_metrics(served_->node().metrics()); }

  static std::string shipped(const char* name) {
    return text_of(fs::path(WEIR_ROOT) / "deploy/prometheus" / name);
  }

  /// The expressions of the dashboard, its variables included.
  static std::vector<std::string> dashboard_expressions() {
    std::vector<std::string> out;
    const auto board = boost::json::parse(shipped("weir.dashboard.json"));
    for (const auto& panel : board.at("panels").as_array()) {
      const auto* targets = panel.as_object().if_contains("targets");
      if (targets == nullptr) continue;
      for (const auto& each : targets->as_array()) {
        out.emplace_back(each.at("expr").as_string());
      }
    }
    for (const auto& each : board.at("templating").at("list").as_array()) {
      if (each.as_object().contains("definition")) {
        out.emplace_back(each.at("definition").as_string());
      }
    }
    return out;
  }

  /// Checks every series that `text` names: that it is told, and so are its labels and their
  /// values.
  static std::size_t check(const std::string& text, const told_metrics& of) {
    const std::regex series(R"(\b((?:weir|process)_[a-z0-9_]+)(?:\{([^}]*)\})?)");
    const std::regex matcher(R"lit(([a-z_]+)\s*(=~|!~|!=|=)\s*"([^"]*)")lit");
    std::size_t count = 0;
    for_each_match(text, series, [&](const std::smatch& found) {
      const auto family = of.family_of(found.str(1));
      ++count;
      EXPECT_TRUE(of.has(family)) << found.str() << " is told by no node";
      if (!of.has(family)) return;
      for_each_match(found.str(2), matcher, [&](const std::smatch& label) {
        check_label(found.str(), label.str(1), label.str(3), of.labels(family));
      });
    });
    return count;
  }

  static void check_label(
      const std::string& series,
      const std::string& name,
      const std::string& values,
      const std::map<std::string, std::set<std::string>>& known
  ) {
    if (name == "job" || name == "instance") return;  // Prometheus' own
    ASSERT_TRUE(known.contains(name)) << series << ": there is no label " << name;
    if (name == "keyspace" || name == "digest" || name == "le") return;  // any value will do
    std::istringstream alternatives(values);
    for (std::string value; std::getline(alternatives, value, '|');) {
      EXPECT_TRUE(known.at(name).contains(value)) << series << ": no " << name << " is " << value;
    }
  }

  /// Checks that what is grouped or joined by is a label of a series in the same expression.
  static void check_grouping(const std::string& expression, const told_metrics& of) {
    std::set<std::string> known{"job", "instance", "le", "keyspace"};
    const std::regex series(R"(\b((?:weir|process)_[a-z0-9_]+))");
    for_each_match(expression, series, [&](const std::smatch& found) {
      const auto family = of.family_of(found.str(1));
      if (!of.has(family)) return;
      for (const auto& [label, values] : of.labels(family)) known.insert(label);
    });
    const std::regex group(R"(\b(?:by|on)\s*\(([a-z_, ]*)\))");
    const std::regex word("[a-z_]+");
    for_each_match(expression, group, [&](const std::smatch& found) {
      for_each_match(found.str(1), word, [&](const std::smatch& label) {
        EXPECT_TRUE(known.contains(label.str())) << expression << ": no label " << label.str();
      });
    });
  }

  const authority ca_{"cluster"};
  const tls_folder files_, other_files_;
  const int nowhere_ = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  std::unique_ptr<node> other_;
  std::unique_ptr<log_writer> log_;
  std::unique_ptr<served_node> served_;
};

TEST_F(MonitoringTest, TheRulesNameWhatANodeTells) {
  const auto of = told();
  const auto rules = shipped("weir.rules.yml");
  EXPECT_GT(check(rules, of), 20u);
  const std::regex expression(R"(expr: ((?:[^\n]|\n {10})*))");
  std::size_t count = 0;
  for_each_match(rules, expression, [&](const std::smatch& found) {
    check_grouping(found.str(1), of);
    ++count;
  });
  EXPECT_GT(count, 14u);
}

TEST_F(MonitoringTest, TheTestOfTheRulesFeedsThemWhatANodeTells) {
  EXPECT_GT(check(shipped("weir.rules.test.yml"), told()), 20u);
}

TEST_F(MonitoringTest, TheDashboardNamesWhatANodeTells) {
  const auto of = told();
  const auto all = dashboard_expressions();
  EXPECT_GT(all.size(), 25u);
  for (auto each : all) {
    // $keyspace and $job stand for any value.
    each = std::regex_replace(each, std::regex(R"lit((?:keyspace|job)=~"\$[a-z]+",?)lit"), "");
    EXPECT_GT(check(each, of), 0u) << each;
    check_grouping(each, of);
  }
}

TEST_F(MonitoringTest, NoMetricIsWithoutItsLine) {
  const auto page = text_of(fs::path(WEIR_ROOT) / "docs/http.md");
  std::set<std::string> described;
  std::istringstream lines(page.substr(page.find("| family | type | labels |")));
  const std::regex name("`((?:weir|process)_[a-z_]+)`");
  for (std::string line; std::getline(lines, line) && line.starts_with('|');) {
    for_each_match(line.substr(0, line.find('|', 1)), name, [&](const std::smatch& found) {
      described.insert(found.str(1));
    });
  }
  EXPECT_EQ(described.erase("weir_discovery_answers_total"), 1u);  // a static list counts none
  const auto told_ones = told().families();
  for (const auto& each : described) EXPECT_TRUE(told_ones.contains(each)) << each;
  for (const auto& each : told_ones) EXPECT_TRUE(described.contains(each)) << each;
}

}  // namespace
}  // namespace weir
