#include "config/decode/decode.hpp"
#include "config/table/table.hpp"
#include "tests/config/config_support.hpp"

#include <weir/config/diff.hpp>
#include <weir/config/print.hpp>

namespace weir::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class NatsTest : public config_test {
 protected:
  /// A valid file with `discovery.nats` of these lines, which stand from line 4 on.
  static std::string nats(const std::string& more) {
    return with("listen: {peer: {address: \"127.0.0.1:7420\"}}\ndiscovery:\n  nats:\n" + more);
  }

  static std::string server() { return "    servers: [\"nats://127.0.0.1:4222\"]\n"; }
};

TEST_F(NatsTest, NeedsOnlyServers) {
  const auto given = valid(nats(server()));
  EXPECT_TRUE(given.discovery.has_provider());
  EXPECT_EQ(*given.discovery.nats, nats_discovery{.servers = {"nats://127.0.0.1:4222"}});
}

TEST_F(NatsTest, ReadsEverything) {
  variables["SECRET"] = "sixteen bytes or more";
  files["/run/password"] = "hunter2\n";
  const auto given = *valid(nats("    servers: [\"tls://a\", \"nats://[::1]:1\"]\n"
                                 "    subject: weir.prod.peers\n"
                                 "    user: weir\n"
                                 "    password: {file: /run/password}\n"
                                 "    secret: {env: SECRET}\n"
                                 "    ca: ca.pem\n"
                                 "    heartbeat: 500ms\n"
                                 "    expire: 3s\n"))
                          .discovery.nats;
  EXPECT_THAT(given.servers, ElementsAre("tls://a", "nats://[::1]:1"));
  EXPECT_EQ(given.subject, "weir.prod.peers");
  EXPECT_EQ(given.user, "weir");
  EXPECT_EQ(given.password->value, "hunter2");
  EXPECT_EQ(given.secret->value, "sixteen bytes or more");
  EXPECT_FALSE(given.token);
  EXPECT_EQ(given.ca, "ca.pem");
  EXPECT_EQ(given.heartbeat, milliseconds(500));
  EXPECT_EQ(given.expire, milliseconds(3'000));
}

TEST_F(NatsTest, TheTableAndTheStructAgreeOnDefaults) {
  const nats_discovery defaults;
  for (const auto& row : settings_shape().find("discovery")->rows->find("nats")->rows->fields) {
    if (row.fallback.empty()) continue;
    EXPECT_EQ(*parse_value(row, row.fallback), row.member.get(&defaults)) << row.name;
  }
}

TEST_F(NatsTest, RefusesWhatItCannotUse) {
  EXPECT_THAT(
      problems(
          nats("    servers: [\"http://a\", \"nats://u:p@a\", a, \"nats://a:0\", \"nats://b\", "
               "\"nats://b\"]\n"
               "    subject: a..b\n    secret: short\n    token: {env: MISSING}\n"
               "    heartbeat: 100ms\n")
      ),
      ElementsAre(
          HasSubstr("servers[0]: \"http://a\" is not a NATS server (write nats://host:4222"),
          HasSubstr("servers[1]: the server has a user name or password in it"),
          HasSubstr("servers[2]: \"a\" is not a NATS server"),
          HasSubstr("servers[3]: \"nats://a:0\" is not a NATS server"),
          HasSubstr("servers[5]: \"nats://b\" is listed twice"),
          HasSubstr("subject: \"a..b\" has an empty word"),
          HasSubstr("secret: the text is too short (16 bytes at least)"),
          HasSubstr("token: the environment variable MISSING is not set"),
          HasSubstr("heartbeat: \"100ms\" is too small")
      )
  );
  EXPECT_THAT(
      problems(nats("    servers: []\n    subject: \"a b\"\n")),
      ElementsAre(HasSubstr("the list is empty"), HasSubstr("subject"))
  );
  EXPECT_THAT(problems(nats("    user: u\n")), ElementsAre(HasSubstr("\"servers\" is missing")));
}

TEST_F(NatsTest, WhatBelongsTogetherMustComeTogether) {
  EXPECT_THAT(
      problems(nats(server() + "    expire: 2s\n")),
      ElementsAre(HasSubstr("discovery.nats.expire: 2s is less than 3 heartbeats (write 3s"))
  );
  EXPECT_THAT(
      problems(nats(server() + "    user: u\n")),
      ElementsAre(HasSubstr("user and password belong together"))
  );
  EXPECT_THAT(
      problems(nats(server() + "    user: u\n    password: p\n    token: t\n")),
      ElementsAre(HasSubstr("user and token are both given"))
  );
  EXPECT_THAT(
      problems(nats(server() + "  dns: {name: weir}\n")),
      ElementsAre(HasSubstr("dns and nats are both given"))
  );
}

TEST_F(NatsTest, WarnsOfCredentialsThatAreSentInPlainText) {
  const auto warnings = [&](const std::string& url, const std::string& more) {
    return problems(nats("    servers: [\"" + url + "\"]\n    token: t\n" + more)).size();
  };
  EXPECT_EQ(warnings("nats://10.0.0.1", ""), 1u);
  EXPECT_EQ(warnings("nats://nats.test:4222", ""), 1u);
  EXPECT_EQ(warnings("nats://127.0.0.1:4222", ""), 0u);
  EXPECT_EQ(warnings("nats://[::1]", ""), 0u);
  EXPECT_EQ(warnings("tls://10.0.0.1", ""), 0u);
  EXPECT_EQ(warnings("nats://10.0.0.1", "    ca: ca.pem\n"), 0u);
}

TEST_F(NatsTest, SecretsAreNeverShown) {
  variables["SECRET"] = "sixteen bytes or more";
  const auto given = valid(nats(server() + "    secret: {env: SECRET}\n    token: hunter2\n"));
  const auto text = show(given);
  EXPECT_THAT(text, HasSubstr("secret: {env: SECRET}\n"));
  EXPECT_THAT(text, HasSubstr("token: \"********\"\n"));
  EXPECT_THAT(text, Not(HasSubstr("sixteen")));
  EXPECT_THAT(text, Not(HasSubstr("hunter2")));
  for (const std::string key : {"secret", "token", "password"}) {
    const auto told = load_yaml(with(""), {"discovery.nats." + key + "=[hunter2"});
    EXPECT_THAT(format_problems(told.problems), Not(HasSubstr("hunter2"))) << key;
  }
}

TEST_F(NatsTest, IsShownAsItLoadsAgain) {
  files["/run/password"] = "hunter2";
  const auto given =
      valid(nats(
          server() + "    subject: a.b\n    user: \"5\"\n    password: {file: /run/password}\n"
                     "    ca: /etc/ca.pem\n"
      ));
  EXPECT_EQ(valid(show(given)), given);
}

TEST_F(NatsTest, AChangeNeedsARestartAndShowsNoSecret) {
  const auto before = valid(nats(server() + "    token: hunter2\n"));
  const auto after = valid(nats(server() + "    token: hunter3\n    subject: a\n"));
  EXPECT_THAT(
      diff(before, after).restart,
      ElementsAre(
          change{"discovery.nats.subject", "", "a"},
          change{"discovery.nats.token", "\"********\"", "\"********\""}
      )
  );
  EXPECT_THAT(
      diff(before, valid(with(""))).restart,
      testing::Contains(change{"discovery.nats", "present", ""})
  );
}

}  // namespace
}  // namespace weir::config
