#include "tests/discovery/dnsmasq.hpp"

#include <weir/discovery/dns_provider.hpp>
#include <weir/engine/ring.hpp>
#include <weir/node/node.hpp>

#include <gmock/gmock.h>

#include <condition_variable>
#include <iostream>
#include <map>
#include <mutex>

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::dnsmasq;
using clock = std::chrono::steady_clock;
using records = std::vector<std::pair<std::string, std::string>>;

result<bytes> load(std::string_view key) {
  return bytes("value of " + std::string(key));
}

class DnsmasqTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!dnsmasq::is_installed()) GTEST_SKIP() << "dnsmasq is not installed";
  }

  ~DnsmasqTest() override {
    for (auto& each : nodes_) each->stop();
  }

  dns_options by_address() const {
    return {.name = "peers.test", .port = port_, .interval = 1s, .servers = server_->address()};
  }

  node& add(int number, const std::string& address, dns_options options) {
    nodes_.push_back(std::make_unique<node>(node_options{
        .cluster = "test",
        .id = "n" + std::to_string(number),
        .peer_address = address,
        .discovery = std::make_shared<dns_provider>(std::move(options)),
        .runtime = {.threads = 1},
        .log =
            [this, number](const log_record& record) {
              const std::lock_guard lock(mutex_);
              ++logged_[{number, std::string(record.event)}];
              changed_.notify_all();
            },
    }));
    auto& made = *nodes_.back();
    made.add_keyspace({.name = "users", .ttl = 60s}, load);
    return made;
  }

  node& add(int number) { return add(number, host(number), by_address()); }

  std::string address(int number) const { return "127.77.0." + std::to_string(number); }

  std::string host(int number) const { return address(number) + ':' + std::to_string(port_); }

  records named(const std::vector<int>& numbers) const {
    records out;
    for (const int each : numbers) out.emplace_back("peers.test", address(each));
    return out;
  }

  template <class Condition>
  bool eventually(Condition condition, std::chrono::seconds most) {
    const auto deadline = clock::now() + most;
    std::unique_lock lock(mutex_);
    while (true) {
      lock.unlock();
      if (condition()) return true;
      lock.lock();
      if (clock::now() > deadline) return false;
      changed_.wait_for(lock, 20ms);
    }
  }

  /// All nodes that were not stopped have this many members in the same ring, and a lease.
  bool agree_on(std::size_t members) {
    for (const auto& each : nodes_) {
      if (each->peer_address().empty()) continue;
      const auto ring = each->ring();
      if (ring->size() != members || !each->lease().is_valid) return false;
      for (int key = 0; key != 20; ++key) {
        const auto text = std::to_string(key);
        if (each->place_of("users", text).owner != nodes_[0]->place_of("users", text).owner)
          return false;
      }
    }
    return true;
  }

  int logged(int number, const std::string& event) {
    const std::lock_guard lock(mutex_);
    return logged_[{number, event}];
  }

  void report(std::string_view what, clock::time_point since) {
    const auto took = std::chrono::duration_cast<milliseconds>(clock::now() - since);
    std::cout << "[ measured ] " << what << ": " << took.count() << " ms\n";
  }

  const std::uint16_t port_ = dnsmasq::free_port();
  std::unique_ptr<dnsmasq> server_ = std::make_unique<dnsmasq>();
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::pair<int, std::string>, int> logged_;
  std::vector<std::unique_ptr<node>> nodes_;
};

TEST_F(DnsmasqTest, NodesFindEachOtherOutliveTheServerAndMeetAFourth) {
  server_->start(named({1, 2, 3}));
  for (int i = 1; i <= 3; ++i) add(i);
  auto begin = clock::now();
  for (auto& each : nodes_) each->start().value();
  ASSERT_TRUE(eventually([&] { return agree_on(3); }, 5s));
  report("three nodes agree", begin);
  EXPECT_THAT(
      nodes_[0]->metrics(),
      testing::ContainsRegex("weir_discovery_answers_total\\{outcome=\"answered\"\\} [1-9]")
  );

  server_->kill();
  const auto failures = [&](node& each) {
    const auto text = each.metrics();
    const std::string name = "weir_discovery_answers_total{outcome=\"failed\"} ";
    const auto at = text.find(name);
    return at == text.npos ? 0 : std::stoi(text.substr(at + name.size()));
  };
  ASSERT_TRUE(eventually([&] { return failures(*nodes_[0]) >= 5; }, 30s));
  EXPECT_TRUE(agree_on(3));
  EXPECT_EQ(logged(1, "discovery.failed"), 1);
  EXPECT_EQ(logged(1, "peer.dropped"), 0);

  server_->start(named({1, 2, 3, 4}));
  begin = clock::now();
  add(4).start().value();
  ASSERT_TRUE(eventually([&] { return agree_on(4); }, 10s));
  report("a fourth node joined", begin);
}

TEST_F(DnsmasqTest, AMemberThatGoesWithItsRecordLeavesTheRing) {
  server_->start(named({1, 2, 3}));
  for (int i = 1; i <= 3; ++i) add(i).start().value();
  ASSERT_TRUE(eventually([&] { return agree_on(3); }, 10s));
  const auto begin = clock::now();
  nodes_[2]->stop();
  server_->replace(named({1, 2}));
  ASSERT_TRUE(eventually([&] { return agree_on(2); }, 20s));
  report("a dead member without a record left", begin);
  EXPECT_EQ(logged(1, "peer.dropped"), 1);
}

TEST_F(DnsmasqTest, ServicesTellThePortOfEachNode) {
  std::vector<std::uint16_t> ports;
  std::vector<std::string> options;
  records hosts;
  for (int i = 1; i <= 3; ++i) {
    ports.push_back(dnsmasq::free_port());
    const auto target = "n" + std::to_string(i) + ".test";
    options.push_back("--srv-host=_peer._tcp.test," + target + "," + std::to_string(ports.back()));
    hosts.emplace_back(target, "127.0.0.1");
  }
  server_ = std::make_unique<dnsmasq>(options);
  server_->start(hosts);
  for (int i = 1; i <= 3; ++i) {
    auto wanted = by_address();
    wanted.name = "_peer._tcp.test";
    wanted.type = dns_records::srv;
    const auto port = ports[static_cast<std::size_t>(i) - 1];
    add(i, "127.0.0.1:" + std::to_string(port), wanted);
  }
  const auto begin = clock::now();
  for (auto& each : nodes_) each->start().value();
  ASSERT_TRUE(eventually([&] { return agree_on(3); }, 5s));
  report("three nodes agree by SRV", begin);
}

TEST_F(DnsmasqTest, ANodeThatIsNamedAloneHasALease) {
  server_->start(named({1}));
  auto& alone = add(1);
  alone.start().value();
  ASSERT_TRUE(eventually([&] { return agree_on(1); }, 5s));
  EXPECT_TRUE(alone.lease().is_lone);
}

TEST_F(DnsmasqTest, ANodeWhoseNameIsUnknownIsReadyWithoutALease) {
  server_->start({});
  auto& lost = add(1);
  lost.start().value();
  ASSERT_TRUE(eventually([&] { return logged(1, "discovery.failed") == 1; }, 5s));
  EXPECT_TRUE(lost.is_ready());
  EXPECT_FALSE(lost.lease().is_valid);
  EXPECT_EQ(lost.find_keyspace("users").get("a").value().text(), "value of a");
  server_->replace(named({1}));
  EXPECT_TRUE(eventually([&] { return agree_on(1); }, 10s));
}

}  // namespace
}  // namespace weir
