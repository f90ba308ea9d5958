#include "tests/support/certificates.hpp"
#include "tests/support/waiting.hpp"

#include <weir/discovery/static_provider.hpp>
#include <weir/node/node.hpp>
#include <weir/transport/http_client.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace weir {
namespace {

using testing::HasSubstr;
using weir_test::authority;
using weir_test::tls_folder;

class NodeTlsTest : public testing::Test {
 protected:
  node_options options(std::chrono::seconds ends) {
    files_.write(ca_.issue({.names = {"n1"}, .addresses = {}, .ends = ends}));
    files_.write("ca.crt", ca_.pem());
    node_options made{.id = "n1", .peer_address = "127.0.0.1:0", .runtime = {.threads = 1}};
    made.peer_tls = {files_.cert(), files_.key(), files_.ca()};
    return made;
  }

  authority ca_{"cluster"};
  tls_folder files_;
};

TEST_F(NodeTlsTest, ANodeWithAGoodCertificateIsReady) {
  node one(options(std::chrono::hours(24 * 90)));
  one.start().value();
  EXPECT_TRUE(one.is_ready());
  EXPECT_THAT(
      one.metrics(), HasSubstr("weir_tls_certificate_expires_timestamp_seconds{door=\"peer\"} ")
  );
}

TEST_F(NodeTlsTest, APeerCertificateThatEndsIsShownAndTheNodeStaysReady) {
  auto made = options(std::chrono::seconds(2));
  made.http_address = "127.0.0.1:0";
  node one(made);
  one.start().value();
  std::string shown;
  const auto is_shown = [&] {
    shown = http_fetch({.url = "http://" + one.http_address() + "/readyz?verbose"}).value().body;
    return shown.find("expired") != std::string::npos;
  };
  EXPECT_TRUE(test::eventually(is_shown));
  EXPECT_THAT(shown, HasSubstr("[!] certificate of peer: expired; replace its file\n"));
  EXPECT_TRUE(one.is_ready());
}

TEST_F(NodeTlsTest, ADoorWhoseCertificateEndsIsNotReadyUntilItIsRenewed) {
  auto made = options(std::chrono::hours(24 * 90));
  const tls_folder door;
  door.write(ca_.issue({.names = {"door"}, .addresses = {}, .ends = std::chrono::seconds(2)}));
  made.http_address = "127.0.0.1:0";
  made.http_tls = {door.cert(), door.key(), {}};
  node one(made);
  one.start().value();
  EXPECT_TRUE(test::eventually([&] { return !one.is_ready(); }));
  door.write(ca_.issue("door"));
  one.reload_tls();
  EXPECT_TRUE(one.is_ready());
}

TEST_F(NodeTlsTest, AnExpiredCertificateIsAMistake) {
  EXPECT_THROW(node one(options(std::chrono::seconds(-5))), std::invalid_argument);
}

TEST_F(NodeTlsTest, TheCertificateOfAnotherNodeReplacesNothing) {
  node one(options(std::chrono::hours(24 * 90)));
  one.start().value();
  files_.write(ca_.issue("n3"));
  one.reload_tls();
  EXPECT_THAT(
      one.metrics(), HasSubstr("weir_tls_reloads_total{door=\"peer\",outcome=\"refused\"} 1\n")
  );
}

TEST_F(NodeTlsTest, FilesThatDoNotFitChangeNothing) {
  node one(options(std::chrono::hours(24 * 90)));
  one.start().value();
  files_.write("tls.crt", ca_.issue("n1").cert);
  one.reload_tls();
  EXPECT_TRUE(one.is_ready());
  EXPECT_THAT(
      one.metrics(), HasSubstr("weir_tls_reloads_total{door=\"peer\",outcome=\"refused\"} 1\n")
  );
}

TEST_F(NodeTlsTest, FilesThatCannotBeUsedAreAMistake) {
  auto wrong = options(std::chrono::hours(1));
  wrong.peer_tls.key = wrong.peer_tls.cert;
  EXPECT_THROW(node one(wrong), std::invalid_argument);
}

}  // namespace
}  // namespace weir
