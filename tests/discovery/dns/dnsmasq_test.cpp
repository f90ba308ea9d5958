#include "tests/discovery/dns/dnsmasq.hpp"

#include "tests/discovery/cluster_fixture.hpp"
#include "tests/support/waiting.hpp"

#include <weir/discovery/dns_provider.hpp>

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::dnsmasq;
using test::eventually;
using test::is_soak;
using test::report;
using clock = std::chrono::steady_clock;
using records = std::vector<std::pair<std::string, std::string>>;

class DnsmasqTest : public test::cluster_fixture {
 protected:
  void SetUp() override {
    if (!dnsmasq::is_installed()) GTEST_SKIP() << "dnsmasq is not installed";
  }

  dns_options by_address() const {
    return {.name = "peers.test", .port = port_, .interval = 1s, .servers = server_->address()};
  }

  node& add(int number, const std::string& address, dns_options options) {
    return add_node(number, address, std::make_shared<dns_provider>(std::move(options)));
  }

  node& add(int number) { return add(number, host(number), by_address()); }

  std::string address(int number) const { return "127.77.0." + std::to_string(number); }

  std::string host(int number) const { return address(number) + ':' + std::to_string(port_); }

  records named(const std::vector<int>& numbers) const {
    records out;
    for (const int each : numbers) out.emplace_back("peers.test", address(each));
    return out;
  }

  const std::uint16_t port_ = dnsmasq::free_port();
  std::unique_ptr<dnsmasq> server_ = std::make_unique<dnsmasq>();
};

TEST_F(DnsmasqTest, NodesFindEachOtherOutliveTheServerAndMeetAFourth) {
  server_->start(named({1, 2, 3}));
  for (int i = 1; i <= 3; ++i) add(i);
  auto begin = clock::now();
  start_all();
  ASSERT_TRUE(eventually([&] { return agree_on(3); }, 5s));
  report("three nodes agree", begin);
  EXPECT_GE(answers(*nodes_[0], "answered"), 1);

  server_->kill();
  begin = clock::now();
  const auto outage = is_soak() ? 60s : 0s;
  const auto is_over = [&] {
    return answers(*nodes_[0], "failed") >= 5 && clock::now() - begin >= outage;
  };
  ASSERT_TRUE(eventually(is_over, 90s));
  report("the server was gone", begin);
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
  start_all();
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
