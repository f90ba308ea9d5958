#include "tests/support/cluster/fault_fixture.hpp"

#include "tests/support/cluster/sealed_value.hpp"
#include "tests/support/text.hpp"

#include <weir/engine/ring.hpp>
#include <weir/engine/slot.hpp>

#include <poll.h>
#include <stdexcept>

namespace weir::test {
namespace {

std::string get_text(const std::string& key, milliseconds timeout) {
  return http_text(
      "GET", "/v1/" + key, "Weir-Timeout: " + std::to_string(timeout.count()) + "ms\r\n"
  );
}

std::string field_after(const std::string& text, std::size_t from, const std::string& name) {
  const auto at = text.find("\"" + name + "\":", from);
  if (at == std::string::npos) return {};
  const auto begin = at + name.size() + 3;
  return text.substr(begin, text.find_first_of(",}", begin) - begin);
}

}  // namespace

void FaultTest::SetUp() {
  if (const auto why = enter_private_network(); !why.empty()) GTEST_SKIP() << why;
}

std::string FaultTest::keyspaces() const {
  const auto source = [](const std::string& name) {
    return "source: {type: http, timeout: 2s, url: \"http://{origin}/" + name + "/{key}\"}}\n";
  };
  const auto near = process_cluster::near_copies();
  return "  - {name: things, ttl: 60s, " + near + source("things") + "  - {name: brief, ttl: 2s, " +
         source("brief") + "  - {name: notes, ttl: 60s, " + near + "writes: allow, " +
         source("notes");
}

void FaultTest::start_unready(cluster_options options) {
  if (options.keyspaces.empty()) options.keyspaces = keyspaces();
  cluster_.reset();  // one bridge at a time
  cluster_ = std::make_unique<process_cluster>(std::move(options));
}

void FaultTest::start(cluster_options options) {
  start_unready(std::move(options));
  if (!nodes().wait_until_whole()) throw std::runtime_error("not whole:\n" + nodes().logs());
}

std::string FaultTest::key_of(int owner, int n, const std::string& keyspace) const {
  std::vector<member> members;
  for (int i = 1; i <= cluster_->size(); ++i) members.push_back({.id = "n" + std::to_string(i)});
  const ring ring(members);
  for (int i = 0;; ++i) {
    const auto key = "k" + std::to_string(i);
    if (ring.owner(slot_of(keyspace, key)).id != "n" + std::to_string(owner)) continue;
    if (n-- == 0) return keyspace + "/" + key;
  }
}

seen_value FaultTest::value_of(const http_answer& answer) {
  seen_value out{.status = answer.status, .took = answer.took};
  out.is_cached = answer.field("Cache-Status").find("; hit") != std::string::npos;
  if (const auto value = unseal(answer.body)) out.version = value->version;
  return out;
}

seen_value FaultTest::read(int node, const std::string& key, milliseconds timeout) const {
  const auto address = cluster_->http_address(node);
  return value_of(http_call(address, get_text(key, timeout), timeout + 2s));
}

std::pair<http_answer, std::uint64_t> FaultTest::change(
    int node, const std::string& key, milliseconds timeout
) {
  const auto version = origin().write(key);
  const auto fields = "Weir-Timeout: " + std::to_string(timeout.count()) + "ms\r\n";
  auto text = http_text("PURGE", "/v1/" + key, fields);
  return {http_call(nodes().http_address(node), std::move(text), timeout + 2s), version};
}

answers FaultTest::ask_at_once(
    int node, const std::string& key, std::size_t count, milliseconds timeout
) const {
  answers out;
  for (std::size_t i = 0; i != count; ++i) {
    out.push_back(std::async(
        std::launch::async,
        [address = cluster_->http_address(node), key, timeout] {
          return http_call(address, get_text(key, timeout), timeout + 20s);
        }
    ));
  }
  return out;
}

void FaultTest::warm(const std::vector<std::string>& keys) {
  for (int i = 1; i <= nodes().size(); ++i) {
    for (const auto& each : keys) {
      EXPECT_TRUE(eventually([&] { return read(i, each).is_cached; }, recovered));
    }
  }
}

void FaultTest::begin_load(driver_options options) {
  options.nodes = nodes().http_addresses();
  options.sources = process_cluster::client_addresses();
  driver_ = std::make_unique<load_driver>(std::move(options), origin());
}

void FaultTest::begin_fault(const std::string& kind) {
  faults_.push_back({kind, {history_clock::now()}});
}

void FaultTest::end_fault() {
  faults_.back().span.end = history_clock::now();
}

figures FaultTest::end_load() {
  auto seen = driver_->stop();
  seen.faults = std::move(faults_);
  seen.down = nodes().down();
  const auto found = check(seen, {.ttl = {{"things", 60s}, {"brief", 2s}, {"notes", 60s}}});
  auto numbers = summarize(seen);
  const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
  print(test->name(), numbers, found);
  EXPECT_EQ(found.all(), 0) << nodes().logs();
  EXPECT_LE(found.most_loads_at_once, 2);
  return numbers;
}

std::string FaultTest::digest(int node) const {
  return field_after(cluster_->ask(node, "/cluster/ring"), 0, "digest");
}

bool FaultTest::agree_on_ring(const std::vector<int>& nodes) const {
  const auto first = digest(nodes.front());
  for (const int each : nodes) {
    if (first.empty() || digest(each) != first) return false;
  }
  return true;
}

std::string FaultTest::member_field(int node, int member, const std::string& field) const {
  const auto text = cluster_->ask(node, "/cluster/members");
  const auto at = text.find("{\"id\":\"n" + std::to_string(member) + "\"");
  return at == std::string::npos ? std::string() : field_after(text, at, field);
}

std::size_t FaultTest::logged(const std::string& event) const {
  std::size_t found = 0;
  for (int i = 1; i <= cluster_->size(); ++i) {
    found += occurrences(cluster_->node(i).log(), event);
  }
  return found;
}

void FaultTest::pass(milliseconds time) {
  ::poll(nullptr, 0, static_cast<int>(time.count()));
}

}  // namespace weir::test
