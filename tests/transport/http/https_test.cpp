// The HTTP server and client with TLS between them.
#include "tests/support/certificates.hpp"
#include "tests/transport/http/http_support.hpp"

#include <weir/transport/http_client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gtest/gtest.h>

namespace weir {
namespace {

using namespace std::chrono_literals;
using weir_test::authority;
using weir_test::issued;
using weir_test::tls_folder;

class HttpsTest : public test::server_fixture {
 protected:
  HttpsTest() { trusted_.write("ca.crt", ca_.pem()); }

  void serve_tls(const issued& own, http_limits limits = {}) {
    serve();  // for the handler
    files_.write(own);
    credentials_ = tls_credentials::load({files_.cert(), files_.key(), {}}).value();
    server_ = std::make_unique<http_server>(threads_->loops(), limits, handler_);
    server_->on_log([this](std::string_view line) {
      const std::lock_guard lock(mutex_);
      remarks_.emplace_back(line);
    });
    server_->use_tls([held = credentials_] { return held->server(); });
    address_ = server_->listen("127.0.0.1:0").value();
  }

  http_client_request request(std::string target) const {
    http_client_request made;
    made.url = "https://" + address_ + std::move(target);
    made.tls = make_tls_client(trusted_.ca()).value();
    return made;
  }

  authority ca_{"first"};
  authority other_ca_{"second"};
  tls_folder files_, trusted_;
  std::shared_ptr<tls_credentials> credentials_;
};

TEST_F(HttpsTest, AnswersInsideTls) {
  serve_tls(ca_.issue("door"));
  const auto got = http_fetch(request("/hello"));
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(got->status, 200U);
  EXPECT_NE(got->body.find("/hello"), std::string::npos);
}

TEST_F(HttpsTest, TakesLargeBodiesAndGivesThemBack) {
  serve_tls(ca_.issue("door"));
  auto put = request("/large");
  put.method = http_method::put;
  const std::string large(5'000'000, 'x');
  put.body = bytes(large);
  const auto got = http_fetch(std::move(put));
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_NE(got->body.find(large), std::string::npos);
}

TEST_F(HttpsTest, KeepsConnections) {
  serve_tls(ca_.issue("door"));
  http_client client(threads_->loops());
  const auto once = request("/a");
  for (int i = 0; i < 20; ++i) {
    auto work = client.async_request(once);
    auto got = asio::co_spawn(threads_->front(), std::move(work), asio::use_future);
    ASSERT_TRUE(got.get());
  }
  EXPECT_EQ(server_->stats().accepted_total, 1U);
}

TEST_F(HttpsTest, RefusesAServerOfAnotherAuthority) {
  serve_tls(other_ca_.issue("door"));
  const auto got = http_fetch(request("/"));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), make_error_code(tls_fault::wrong_ca));
}

TEST_F(HttpsTest, RefusesAServerOfAnotherName) {
  serve_tls(ca_.issue({.names = {"elsewhere"}, .addresses = {"127.0.0.2"}}));
  const auto got = http_fetch(request("/"));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), make_error_code(tls_fault::wrong_name));
}

TEST_F(HttpsTest, ChecksTheNameThatWasDialled) {
  serve_tls(ca_.issue("localhost"));
  auto by_name = request("/");
  by_name.url = "https://localhost" + address_.substr(address_.rfind(':')) + "/";
  EXPECT_TRUE(http_fetch(std::move(by_name)));
}

TEST_F(HttpsTest, TheSystemDoesNotKnowAnAuthorityOfOurs) {
  serve_tls(ca_.issue("door"));
  auto plain_trust = request("/");
  plain_trust.tls = nullptr;
  const auto got = http_fetch(std::move(plain_trust));
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error(), make_error_code(tls_fault::wrong_ca));
}

TEST_F(HttpsTest, PlainRequestsAreRefusedAndNamed) {
  serve_tls(ca_.issue("door"));
  auto client = connect();
  client.send(test::get("/"));
  client.receive_all();
  EXPECT_TRUE(remarked("plaintext"));
  EXPECT_EQ(server_->stats().failed_handshakes_total, 1U);
}

TEST_F(HttpsTest, AStalledHandshakeIsClosed) {
  http_limits limits;
  limits.handshake_timeout = 100ms;
  serve_tls(ca_.issue("door"), limits);
  auto client = connect();
  EXPECT_EQ(client.receive_all(), "");
  EXPECT_TRUE(test::eventually([&] { return server_->stats().timeouts_total == 1; }));
}

TEST_F(HttpsTest, TheOldestHandshakeGivesWayToANewOne) {
  http_limits limits;
  limits.max_handshakes = 2;
  serve_tls(ca_.issue("door"), limits);
  auto one = connect(), two = connect();
  EXPECT_TRUE(test::eventually([&] { return server_->stats().connections == 2; }));
  EXPECT_TRUE(http_fetch(request("/")));
  EXPECT_EQ(one.receive_all(), "");
  EXPECT_EQ(server_->stats().refused_total, 1U);
}

TEST_F(HttpsTest, ANewCertificateServesNewConnections) {
  serve_tls(ca_.issue("door"));
  EXPECT_TRUE(http_fetch(request("/")));
  files_.write(other_ca_.issue("door"));
  credentials_->reload();
  EXPECT_FALSE(http_fetch(request("/")));
  trusted_.write("ca.crt", other_ca_.pem());
  EXPECT_TRUE(http_fetch(request("/")));
}

}  // namespace
}  // namespace weir
