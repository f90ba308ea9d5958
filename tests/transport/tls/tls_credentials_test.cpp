#include "tests/support/certificates.hpp"

#include <weir/transport/tls.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sys/stat.h>

namespace {

using testing::HasSubstr;
using weir::tls_credentials;
using weir::tls_use;
using weir_test::authority;
using weir_test::tls_folder;
using outcome = weir::tls_credentials::outcome;

class TlsCredentialsTest : public testing::Test {
 protected:
  TlsCredentialsTest() {
    files_.write(ca_.issue("n1"));
    files_.write("ca.crt", ca_.pem());
  }

  weir::tls_files named() const { return {files_.cert(), files_.key(), files_.ca()}; }

  std::string refusal(tls_use use) const {
    const auto made = weir::make_tls_context(use, named());
    return made ? "none" : made.error().text;
  }

  authority ca_{"first"};
  authority other_ca_{"second"};
  tls_folder files_;
};

TEST_F(TlsCredentialsTest, MakesAContextForEveryUse) {
  for (const auto use :
       {tls_use::peer_server, tls_use::peer_client, tls_use::server, tls_use::client}) {
    EXPECT_EQ(refusal(use), "none");
  }
  EXPECT_TRUE(weir::make_tls_client(files_.ca()));
  EXPECT_TRUE(weir::make_tls_client(""));
}

TEST_F(TlsCredentialsTest, NamesTheFileThatIsMissing) {
  std::filesystem::remove(files_.ca());
  EXPECT_THAT(refusal(tls_use::peer_server), HasSubstr("cannot read \"" + files_.ca()));
}

TEST_F(TlsCredentialsTest, RefusesAKeyOfAnotherCertificate) {
  files_.write("tls.key", ca_.issue("n1").key);
  EXPECT_THAT(refusal(tls_use::server), HasSubstr("is not that of"));
}

TEST_F(TlsCredentialsTest, RefusesAKeyThatOthersMayRead) {
  std::filesystem::permissions(
      files_.key(), std::filesystem::perms::others_read, std::filesystem::perm_options::add
  );
  EXPECT_THAT(refusal(tls_use::server), HasSubstr("chmod 640"));
}

TEST_F(TlsCredentialsTest, RefusesWhatIsNoPem) {
  files_.write("ca.crt", "not a certificate");
  EXPECT_THAT(refusal(tls_use::peer_client), HasSubstr("is not a list of certificates"));
  files_.write("ca.crt", ca_.pem() + ca_.pem().substr(0, 200));
  EXPECT_THAT(refusal(tls_use::peer_client), HasSubstr("is not a list of certificates"));
  files_.write("tls.key", "not a key");
  EXPECT_THAT(refusal(tls_use::server), HasSubstr("holds no private key"));
  files_.write("tls.crt", std::string(2 << 20, 'x'));
  EXPECT_THAT(refusal(tls_use::server), HasSubstr("over 1 MiB"));
}

TEST_F(TlsCredentialsTest, NeedsFilesToBeNamed) {
  const auto made = weir::make_tls_context(tls_use::peer_server, {});
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().text, HasSubstr("no certificate is named"));
}

TEST_F(TlsCredentialsTest, KeepsWhatIsInUseWhenNothingChanged) {
  const auto held = tls_credentials::load(named()).value();
  const auto before = held->server();
  EXPECT_EQ(held->reload().what, outcome::unchanged);
  EXPECT_EQ(held->server(), before);
}

TEST_F(TlsCredentialsTest, ReplacesAllContextsByNewFiles) {
  const auto held = tls_credentials::load(named()).value();
  const auto before = held->peer_server();
  files_.write(other_ca_.issue("n1"));
  files_.write("ca.crt", ca_.pem() + other_ca_.pem());
  EXPECT_EQ(held->reload().what, outcome::replaced);
  EXPECT_NE(held->peer_server(), before);
  EXPECT_EQ(held->counted().replaced, 1U);
}

TEST_F(TlsCredentialsTest, KeepsTheOldSetWhenTheNewOneDoesNotLoadWhole) {
  const auto held = tls_credentials::load(named()).value();
  const auto before = held->peer_server();
  files_.write("tls.crt", other_ca_.issue("n1").cert);  // its key has not come yet
  const auto done = held->reload();
  EXPECT_EQ(done.what, outcome::refused);
  EXPECT_THAT(done.text, HasSubstr("is not that of"));
  EXPECT_EQ(held->peer_server(), before);
  EXPECT_EQ(held->counted().refused, 1U);
}

TEST_F(TlsCredentialsTest, NoticesAChangeOnceItHasSettled) {
  const auto held = tls_credentials::load(named()).value();
  EXPECT_FALSE(held->has_settled_change());
  files_.write(ca_.issue("n1"));
  EXPECT_FALSE(held->has_settled_change());
  EXPECT_TRUE(held->has_settled_change());
  held->reload();
  EXPECT_FALSE(held->has_settled_change());
}

TEST_F(TlsCredentialsTest, KnowsWhenTheCertificateEnds) {
  files_.write(ca_.issue({.names = {"n1"}, .addresses = {}, .ends = std::chrono::seconds(600)}));
  const auto held = tls_credentials::load(named()).value();
  const auto left = held->expires() - std::chrono::system_clock::now();
  EXPECT_LE(left, std::chrono::seconds(600));
  EXPECT_GE(left, std::chrono::seconds(540));
}

TEST_F(TlsCredentialsTest, AnExpiredPairReplacesNothing) {
  const auto held = tls_credentials::load(named()).value();
  const auto before = held->peer_server();
  files_.write(ca_.issue({.names = {"n1"}, .addresses = {}, .ends = std::chrono::seconds(-60)}));
  EXPECT_THAT(held->reload().text, HasSubstr("has expired; renew it"));
  EXPECT_EQ(held->peer_server(), before);
  EXPECT_THAT(tls_credentials::load(named()).error().text, HasSubstr("has expired"));
}

TEST_F(TlsCredentialsTest, APairThatIsNotValidYetReplacesNothing) {
  const auto held = tls_credentials::load(named()).value();
  files_.write(ca_.issue({.names = {"n1"}, .addresses = {}, .begins = std::chrono::seconds(1800)}));
  EXPECT_THAT(held->reload().text, HasSubstr("not valid yet"));
}

TEST_F(TlsCredentialsTest, APairOfAnotherNodeReplacesNothing) {
  const auto held = tls_credentials::load(named(), "n1").value();
  files_.write(ca_.issue("n3"));
  EXPECT_THAT(held->reload().text, HasSubstr("no DNS name equal to node id \"n1\""));
}

TEST_F(TlsCredentialsTest, APairOfAnotherAuthorityReplacesNothing) {
  const auto held = tls_credentials::load(named()).value();
  files_.write(other_ca_.issue("n1"));
  EXPECT_THAT(held->reload().text, HasSubstr("is not good for the authorities in"));
}

TEST_F(TlsCredentialsTest, APairForOneSideOnlyReplacesNothing) {
  const auto held = tls_credentials::load(named()).value();
  for (const char* usage : {"clientAuth", "serverAuth"}) {
    files_.write(ca_.issue({.names = {"n1"}, .addresses = {}, .usages = usage}));
    EXPECT_THAT(held->reload().text, HasSubstr("issue it with serverAuth and clientAuth"));
  }
  files_.write(ca_.issue({.names = {"n1"}, .addresses = {}, .usages = "serverAuth,clientAuth"}));
  EXPECT_EQ(held->reload().what, outcome::replaced);
}

TEST_F(TlsCredentialsTest, APipeInPlaceOfAFileIsRefusedAtOnce) {
  const auto held = tls_credentials::load(named()).value();
  std::filesystem::remove(files_.cert());
  ASSERT_EQ(::mkfifo(files_.cert().c_str(), 0600), 0);
  EXPECT_THAT(held->reload().text, HasSubstr("is not a file"));
}

}  // namespace
