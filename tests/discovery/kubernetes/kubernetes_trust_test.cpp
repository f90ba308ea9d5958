// Whom the provider trusts, and the token by which it is trusted.

#include "tests/discovery/kubernetes/kubernetes_provider_fixture.hpp"

#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>

namespace weir {
namespace {

using test::kubernetes_server;
using KubernetesTrustTest = test::kubernetes_provider_fixture;

TEST_F(KubernetesTrustTest, ANewTokenIsReadWhenTheOldOneRanOut) {
  start();
  files_.write("token", "new\n");
  server_.accept_token("new");
  server_.send({}, after::close);
  wait_for("the second watch", [&] { return server_.watches() == 2; });
  server_.set("a", pods({1, 2, 3}));
  EXPECT_TRUE(tells(at({1, 2, 3})));
  EXPECT_EQ(count(outcome::unauthorized), 0u);
}

TEST_F(KubernetesTrustTest, ATokenThatIsLateIsReadAgainAndAgain) {
  start();
  server_.accept_token("new");
  server_.send({}, after::close);
  EXPECT_TRUE(tells(outcome::unauthorized));
  files_.write("token", "new");
  EXPECT_TRUE(tells(at({1, 2})));
  EXPECT_GE(count(outcome::unauthorized), 2u);
}

TEST_F(KubernetesTrustTest, ATokenThatCannotBeReadIsWaitedFor) {
  auto later = options();
  later.token_file = files_.path("later");
  start(later);
  EXPECT_TRUE(tells(outcome::unauthorized));
  EXPECT_EQ(server_.lists(), 0);
  files_.write("later", "old");
  EXPECT_TRUE(tells(at({1, 2})));
}

TEST_F(KubernetesTrustTest, AServerOfAnotherAuthorityIsNotTrusted) {
  const weir_test::authority other("other");
  files_.write("ca.crt", other.pem());
  start(options());
  EXPECT_TRUE(tells(outcome::untrusted));
  EXPECT_EQ(server_.lists(), 0);
  files_.write("ca.crt", ca_.pem());
  EXPECT_TRUE(tells(at({1, 2})));
}

TEST_F(KubernetesTrustTest, AServerOfAnotherNameIsNotTrusted) {
  weir_test::certificate_request elsewhere;
  elsewhere.names = {"kubernetes.default.svc"};
  elsewhere.addresses = {"10.96.0.1"};
  server_.use_certificate(ca_.issue(elsewhere));
  start(options());
  EXPECT_TRUE(tells(outcome::untrusted));
  EXPECT_EQ(server_.lists(), 0);
}

TEST_F(KubernetesTrustTest, AuthoritiesMayOverlapAndChange) {
  start();
  const weir_test::authority next("next");
  files_.write("ca.crt", ca_.pem() + next.pem());
  server_.use_certificate(next.issue("kubernetes.default.svc"));
  server_.send({}, after::close);
  wait_for("the second watch", [&] { return server_.watches() == 2; });
  files_.write("ca.crt", "");  // being replaced
  server_.send({}, after::close);
  wait_for("the third watch", [&] { return server_.watches() == 3; });
  server_.set("a", pods({3}));
  EXPECT_TRUE(tells(at({3})));
  EXPECT_EQ(count(outcome::untrusted), 0u);
}

TEST_F(KubernetesTrustTest, PlainTextIsNotTakenForTls) {
  boost::asio::io_context loop;
  boost::asio::ip::tcp::acceptor plain(loop, {boost::asio::ip::address_v4::loopback(), 0});
  auto wrong = options();
  wrong.api = "https://127.0.0.1:" + std::to_string(plain.local_endpoint().port());
  start(wrong);
  auto socket = plain.accept();
  boost::system::error_code ignored;
  const std::string text = "HTTP/1.1 400 Bad Request\r\n\r\n";
  boost::asio::write(socket, boost::asio::buffer(text), ignored);
  EXPECT_TRUE(tells(outcome::malformed));
}

TEST_F(KubernetesTrustTest, ANameIsLookedUpAndChecked) {
  weir_test::certificate_request named;
  named.names = {"localhost"};
  server_.use_certificate(ca_.issue(named));
  auto by_name = options();
  by_name.api.replace(by_name.api.find("127.0.0.1"), 9, "localhost");
  start(by_name);
  EXPECT_TRUE(tells(at({1, 2})));
  EXPECT_EQ(count(outcome::untrusted), 0u);
}

TEST_F(KubernetesTrustTest, AProxyMayBePlainText) {
  boost::asio::io_context loop;
  boost::asio::ip::tcp::acceptor proxy(loop, {boost::asio::ip::address_v4::loopback(), 0});
  auto plain = options();
  plain.api = "http://127.0.0.1:" + std::to_string(proxy.local_endpoint().port());
  plain.token_file.clear();
  start(plain);
  auto socket = proxy.accept();
  std::string head;
  boost::system::error_code failed;
  boost::asio::read_until(socket, boost::asio::dynamic_buffer(head), "\r\n\r\n", failed);
  EXPECT_THAT(head, testing::HasSubstr("Host: 127.0.0.1:"));
  EXPECT_THAT(head, testing::Not(testing::HasSubstr("Authorization")));
  const auto list = test::list_json(7, {test::slice_json("a", 7, pods({5}))});
  boost::asio::write(socket, boost::asio::buffer(kubernetes_server::http(200, list)), failed);
  EXPECT_TRUE(tells(at({5})));
}

}  // namespace
}  // namespace weir
