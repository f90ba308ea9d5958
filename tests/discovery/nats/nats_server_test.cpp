#include "tests/discovery/cluster_fixture.hpp"
#include "tests/discovery/nats/nats_server_process.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/free_port.hpp"
#include "tests/support/waiting.hpp"

#include <weir/discovery/nats_provider.hpp>
#include <weir/engine/ring.hpp>

#include <algorithm>
#include <map>

namespace weir {
namespace {

using namespace std::chrono_literals;
using test::eventually;
using test::is_soak;
using test::nats_server_process;
using test::report;
using clock = std::chrono::steady_clock;

constexpr const char* secret = "sixteen bytes or more";

class NatsServerTest : public test::cluster_fixture {
 protected:
  void SetUp() override {
    if (!nats_server_process::is_installed()) GTEST_SKIP() << "nats-server is not installed";
  }

  void serve(std::string settings = {}) {
    server_ = std::make_unique<nats_server_process>(std::move(settings));
    server_->start();
  }

  nats_options options() const {
    return {.servers = {server_->url()}, .subject = "test.peers", .secret = secret};
  }

  nats_options hasty_options() const {
    auto made = options();
    made.heartbeat = 300ms;
    made.expire = 1'500ms;
    return made;
  }

  node& add(int number, nats_options options) {
    return add_node(number, "127.0.0.1:0", std::make_shared<nats_provider>(std::move(options)));
  }

  void start_three(const nats_options& options) {
    for (int i = 1; i <= 3; ++i) add(i, options);
    start_all();
  }

  /// The node is ready and reads through, but nobody's member.
  void expect_outside(node& lost) {
    EXPECT_TRUE(lost.is_ready());
    EXPECT_FALSE(lost.lease().is_valid);
    EXPECT_EQ(lost.ring()->size(), 1u);
    EXPECT_EQ(lost.find_keyspace("users").get("a").value().text(), "value of a");
  }

  std::unique_ptr<nats_server_process> server_;
};

TEST_F(NatsServerTest, NodesFindEachOtherOutliveTheServerAndMeetAFourth) {
  serve();
  auto begin = clock::now();
  start_three(options());
  ASSERT_TRUE(eventually([&] { return agree_on(3); }, 5s));
  report("three nodes agree", begin);

  std::map<int, int> lost_before;  // views may change while nodes meet
  for (int i = 1; i <= 3; ++i) lost_before[i] = logged(i, "lease.lost");
  server_->kill();
  const auto killed = clock::now();
  const auto outage = is_soak() ? 60s : 0s;
  const auto has_failed = [&] { return answers(*nodes_[0], "failed") >= 4; };
  ASSERT_TRUE(eventually([&] { return has_failed() && clock::now() - killed >= outage; }, 90s));
  report("the server was gone", killed);
  EXPECT_TRUE(agree_on(3));
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(logged(i, "discovery.failed"), 1);
    EXPECT_EQ(logged(i, "peer.dropped"), 0);
    EXPECT_EQ(logged(i, "lease.lost"), lost_before[i]);
  }

  server_->start();
  begin = clock::now();
  add(4, options()).start().value();
  ASSERT_TRUE(eventually([&] { return agree_on(4); }, 10s));
  report("a fourth node joined as the server came back", begin);
}

TEST_F(NatsServerTest, WhoSaysGoodbyeLeavesAtOnceAndWhoIsKilledWhenItIsMissed) {
  serve();
  start_three(hasty_options());
  add(4, hasty_options()).start().value();
  ASSERT_TRUE(eventually([&] { return agree_on(4); }, 10s));
  auto begin = clock::now();
  nodes_[3]->drain(5s);
  ASSERT_TRUE(eventually([&] { return agree_on(3); }, 5s));
  report("a node said goodbye and was gone", begin);
  EXPECT_TRUE(eventually([&] { return answers(*nodes_[0], "left") >= 1; })
  );  // the link may tell first
  begin = clock::now();
  nodes_[2]->stop();
  ASSERT_TRUE(eventually([&] { return agree_on(2); }, 20s));
  report("a dead node left", begin);
}

TEST_F(NatsServerTest, AWrongPasswordIsRefusedAndNamed) {
  serve("authorization { user: weir, password: right }");
  auto known = hasty_options();
  known.user = "weir";
  known.password = "right";
  auto wrong = known;
  wrong.password = "wrong";
  start_three(known);
  auto& lost = add(9, wrong);
  lost.start().value();
  ASSERT_TRUE(eventually([&] { return answers(lost, "refused") >= 2; }, 10s));
  expect_outside(lost);
  EXPECT_EQ(logged(9, "discovery.failed"), 1);
  lost.stop();
  nodes_.pop_back();
  EXPECT_TRUE(eventually([&] { return agree_on(3); }, 5s));
}

TEST_F(NatsServerTest, AnotherSecretIsRefusedByBothSidesAndMakesNoLoneNode) {
  serve();
  start_three(hasty_options());
  ASSERT_TRUE(eventually([&] { return agree_on(3); }, 5s));
  auto wrong = hasty_options();
  wrong.secret = "another secret of ours";
  auto& lost = add(9, wrong);
  lost.start().value();
  ASSERT_TRUE(eventually([&] { return logged(9, "discovery.failed") == 1; }, 10s));
  expect_outside(lost);
  EXPECT_GE(answers(lost, "forged"), 1);
  EXPECT_GE(answers(*nodes_[0], "forged"), 1);
  lost.stop();
  nodes_.pop_back();
  EXPECT_TRUE(agree_on(3));
}

TEST_F(NatsServerTest, TlsWithAnAuthorityOfItsOwnAndAToken) {
  const weir_test::authority ours("ours");
  const weir_test::authority theirs("theirs");
  const weir_test::tls_folder folder;
  folder.write(ours.issue("nats.test"));
  folder.write("ca.crt", ours.pem());
  folder.write("their.crt", theirs.pem());
  serve(
      "authorization { token: \"s3cret\" }\ntls { cert_file: \"" + folder.cert() +
      "\", key_file: \"" + folder.key() + "\" }"
  );
  auto known = hasty_options();
  known.token = "s3cret";
  known.ca = folder.ca();
  start_three(known);  // TLS because the server and the CA ask for it
  ASSERT_TRUE(eventually([&] { return agree_on(3); }, 5s));

  auto wrong = known;
  wrong.ca = folder.path("their.crt");
  auto& lost = add(8, wrong);
  lost.start().value();
  ASSERT_TRUE(eventually([&] { return answers(lost, "untrusted") >= 2; }, 10s));
  expect_outside(lost);
  EXPECT_EQ(answers(lost, "connected"), 0);
}

TEST_F(NatsServerTest, ACertificateForAnotherNameIsRefused) {
  const weir_test::authority ours("ours");
  const weir_test::tls_folder folder;
  weir_test::certificate_request other;
  other.names = {"nats.test"};
  folder.write(ours.issue(other));
  folder.write("ca.crt", ours.pem());
  serve("tls { cert_file: \"" + folder.cert() + "\", key_file: \"" + folder.key() + "\" }");
  auto wanted = hasty_options();
  wanted.ca = folder.ca();
  auto& lost = add(1, wanted);
  lost.start().value();
  ASSERT_TRUE(eventually([&] { return answers(lost, "untrusted") >= 2; }, 10s));
  expect_outside(lost);
}

TEST_F(NatsServerTest, OneOfSeveralServersIsEnough) {
  serve();
  const nats_server_process never_started;
  auto wanted = hasty_options();
  wanted.servers = {never_started.url(), server_->url()};
  start_three(wanted);
  EXPECT_TRUE(eventually([&] { return agree_on(3); }, 5s));
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(logged(i, "discovery.failed"), 0);
}

TEST_F(NatsServerTest, AServerThatTheClusterNamedTakesOver) {
  const auto port_of = [] { return std::to_string(test::free_port()); };
  const auto one = port_of();
  const auto other = port_of();
  const auto cluster = [](const std::string& own, const std::string& route) {
    return "cluster { name: c, listen: \"127.0.0.1:" + own +
           "\", routes: [\"nats://127.0.0.1:" + route + "\"] }";
  };
  serve(cluster(one, other));
  nats_server_process second(cluster(other, one));
  second.start();
  start_three(hasty_options());  // who know the first one only
  ASSERT_TRUE(eventually([&] { return agree_on(3); }, 5s));
  const auto before = clock::now();
  ASSERT_TRUE(eventually([&] { return clock::now() - before >= 1s; }, 5s));  // a life that counts
  server_->kill();
  const auto begin = clock::now();
  const auto are_back = [&] {
    return std::all_of(nodes_.begin(), nodes_.end(), [&](const auto& each) {
      return answers(*each, "connected") == 2;
    });
  };
  EXPECT_TRUE(eventually(are_back, 5s));
  report("all nodes are with the other server", begin);
  EXPECT_TRUE(agree_on(3));
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(logged(i, "discovery.failed"), 0);
}

TEST_F(NatsServerTest, ANodeThatStartsWithoutAServerIsReadyAndWaits) {
  serve();
  server_->kill();
  auto& early = add(1, hasty_options());
  early.start().value();
  ASSERT_TRUE(eventually([&] { return logged(1, "discovery.failed") == 1; }, 5s));
  expect_outside(early);
  server_->start();
  EXPECT_TRUE(eventually([&] { return agree_on(1); }, 10s));
  EXPECT_TRUE(early.lease().is_lone);
}

}  // namespace
}  // namespace weir
