#include "tests/config/config_support.hpp"

#include <weir/config/diff.hpp>
#include <weir/config/print.hpp>

namespace weir::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class SecurityTest : public config_test {
 protected:
  SecurityTest() { variables["APP"] = "0123456789abcdef"; }

  const std::string tls_ = "tls: {cert: tls.crt, key: tls.key, ca: ca.crt}\n";
  const std::string app_ = "auth: {tokens: [{name: app, secret: {env: APP}, allow: [read]}]}\n";
  const std::string peers_ = "discovery: {static: {peers: [\"n2=10.0.0.2:7420\"]}}\n";
};

TEST_F(SecurityTest, TheFilesOfThePeerLink) {
  const auto settings = valid(with(tls_));
  ASSERT_TRUE(settings.tls);
  EXPECT_EQ(settings.tls->cert, "tls.crt");
  EXPECT_EQ(settings.tls->key, "tls.key");
  EXPECT_EQ(settings.tls->ca, "ca.crt");
  EXPECT_FALSE(valid(with("")).tls);
}

TEST_F(SecurityTest, AllFilesOfThePeerLinkAreNeeded) {
  EXPECT_THAT(
      problems(with("tls: {cert: tls.crt}\n")),
      ElementsAre(HasSubstr("\"key\" is missing"), HasSubstr("\"ca\" is missing"))
  );
}

TEST_F(SecurityTest, TlsOpensThePeerDoorToOtherMachines) {
  EXPECT_THAT(problems(with(peers_)), ElementsAre(HasSubstr("accepts plain text")));
  EXPECT_THAT(problems(with(peers_ + tls_)), IsEmpty());
}

TEST_F(SecurityTest, TokensOpenTheHttpDoorToOtherMachines) {
  const std::string open = "listen: {http: {address: \":7421\"}}\n";
  EXPECT_THAT(problems(with(open)), ElementsAre(HasSubstr("accepts plain text")));
  EXPECT_THAT(problems(with(open + app_)), IsEmpty());
}

TEST_F(SecurityTest, CertificateAndKeyOfTheHttpDoorGoTogether) {
  const auto settings = valid(with("listen: {http: {cert: a.crt, key: a.key}}\n"));
  EXPECT_EQ(settings.listen.http.cert, "a.crt");
  EXPECT_EQ(settings.listen.http.key, "a.key");
  EXPECT_THAT(
      problems(with("listen: {http: {cert: a.crt}}\n")),
      ElementsAre(HasSubstr("cert stands alone (give cert and key)"))
  );
}

TEST_F(SecurityTest, ATokenHasNameSecretAndRights) {
  const auto settings =
      valid(with("auth:\n  tokens:\n    - {name: app, secret: {env: APP}, allow: [read, write], "
                 "keyspaces: [a]}\n"));
  ASSERT_EQ(settings.auth.tokens.size(), 1U);
  const auto& token = settings.auth.tokens.front();
  EXPECT_EQ(token.name, "app");
  EXPECT_EQ(token.secret.value, "0123456789abcdef");
  EXPECT_THAT(token.allow, ElementsAre("read", "write"));
  EXPECT_THAT(token.keyspaces, ElementsAre("a"));
}

TEST_F(SecurityTest, WrongTokensAreRefused) {
  const auto refused = [&](const std::string& tokens) {
    return problems(with("auth: {tokens: [" + tokens + "]}\n"));
  };
  EXPECT_THAT(refused("{name: a}"), Not(IsEmpty()));
  EXPECT_THAT(
      refused("{name: a, secret: short, allow: [read]}"), ElementsAre(HasSubstr("too short"))
  );
  EXPECT_THAT(
      refused("{name: a, secret: {env: APP}, allow: [all]}"),
      ElementsAre(HasSubstr("\"all\" is not a right (one of read, write, admin)"))
  );
  EXPECT_THAT(refused("{name: a, secret: {env: APP}, allow: []}"), ElementsAre(HasSubstr("empty")));
  EXPECT_THAT(
      refused("{name: a, secret: {env: APP}, allow: [read], keyspaces: [none]}"),
      ElementsAre(HasSubstr("there is no keyspace \"none\""))
  );
  EXPECT_THAT(
      refused("{name: a, secret: {env: APP}, allow: [read]}, "
              "{name: b, secret: {env: APP}, allow: [admin]}"),
      ElementsAre(HasSubstr("the secret is already that of auth.tokens[0]"))
  );
}

TEST_F(SecurityTest, SecretsAreNeverShown) {
  const auto text = show(valid(with(app_)));
  EXPECT_THAT(text, HasSubstr("secret: {env: APP}"));
  EXPECT_THAT(text, Not(HasSubstr("0123456789abcdef")));
}

TEST_F(SecurityTest, WhatIsShownReadsTheSame) {
  const auto settings = valid(with(tls_ + app_ + "listen: {http: {cert: a.crt, key: a.key}}\n"));
  EXPECT_TRUE(valid(show(settings)) == settings);
}

TEST_F(SecurityTest, TokensChangeLiveAndFilesByRestart) {
  const auto before = valid(with(app_));
  variables["APP"] = "fedcba9876543210";
  const auto renewed = diff(before, valid(with(app_)));
  EXPECT_THAT(renewed.restart, IsEmpty());
  ASSERT_EQ(renewed.live.size(), 1U);
  EXPECT_EQ(renewed.live.front().path, "auth.tokens.app.secret");
  const auto secured = diff(before, valid(with(app_ + tls_)));
  EXPECT_FALSE(secured.restart.empty());
}

TEST_F(SecurityTest, AMistakeBesideASecretDoesNotShowIt) {
  const std::string secret = "writer-secret-0123456789";
  for (const std::string& token :
       {"{name: w, secret: \"" + secret + "\", alow: [write]}",
        "{name: w, secret: " + secret + ", alow: [write]}",
        "{name: w, secert: " + secret + ", allow: [write]}"}) {
    const auto shown =
        format_problems(load_yaml(with("auth: {tokens: [" + token + "]}\n")).problems);
    EXPECT_THAT(shown, HasSubstr("name: w"));
    EXPECT_THAT(shown, testing::Not(HasSubstr(secret)));
  }
}

TEST_F(SecurityTest, ASecretOfSeveralLinesIsNotShown) {
  const auto shown =
      format_problems(load_yaml(with("auth:\n  tokens:\n    - name: w\n      allow: [read]\n"
                                     "      secret: |\n        top\tsecret-0123456789\n\tmore\n"))
                          .problems);
  EXPECT_THAT(shown, testing::Not(HasSubstr("secret-0123456789")));
}

}  // namespace
}  // namespace weir::config
