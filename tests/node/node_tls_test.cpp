#include "transport/certificates.hpp"

#include <weir/discovery/static_provider.hpp>
#include <weir/node/node.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

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

TEST_F(NodeTlsTest, AnExpiredCertificateMakesItNotReady) {
  node one(options(std::chrono::seconds(-5)));
  one.start().value();
  EXPECT_FALSE(one.is_ready());
}

TEST_F(NodeTlsTest, ARenewedCertificateMakesItReadyAgain) {
  node one(options(std::chrono::seconds(-5)));
  one.start().value();
  files_.write(ca_.issue("n1"));
  one.reload_tls();
  EXPECT_TRUE(one.is_ready());
  EXPECT_THAT(
      one.metrics(), HasSubstr("weir_tls_reloads_total{door=\"peer\",outcome=\"replaced\"} 1\n")
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
