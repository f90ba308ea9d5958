#include "tests/config/config_support.hpp"

#include <weir/config/diff.hpp>

namespace weir::config {

void PrintTo(const change& each, std::ostream* out) {
  *out << each.path << ": " << each.from << " -> " << each.to;
}

namespace {

class DiffTest : public config_test {
 protected:
  differences between(const std::string& before, const std::string& after) const {
    return diff(valid(before), valid(after));
  }
};

TEST_F(DiffTest, EqualSettingsDoNotDiffer) {
  EXPECT_TRUE(between(keyspace_with(""), keyspace_with("")).empty());
}

TEST_F(DiffTest, TheLogLevelIsLive) {
  const auto found = between(with(""), with("log: {level: debug}\n"));
  EXPECT_THAT(found.live, ElementsAre(change{"log.level", "info", "debug"}));
  EXPECT_THAT(found.restart, IsEmpty());
}

TEST_F(DiffTest, TheNodeAndItsDoorsNeedARestart) {
  const auto found =
      between(with(""), with("node: {id: n1}\nlisten: {http: {address: \"127.0.0.1:1\"}}\n"));
  EXPECT_THAT(found.live, IsEmpty());
  EXPECT_THAT(
      found.restart,
      ElementsAre(
          change{"node.id", "auto", "n1"},
          change{"listen.http.address", "\"127.0.0.1:7421\"", "\"127.0.0.1:1\""}
      )
  );
}

const char* const any_door = "listen: {peer: {address: \"127.0.0.1:1\"}}\n";

TEST_F(DiffTest, StaticPeersAreLive) {
  const auto found = between(
      with(std::string(any_door) + "discovery: {static: {peers: [\"n1=h:1\"]}}\n"),
      with(std::string(any_door) + "discovery: {static: {peers: [\"n1=h:1\", \"n2=h:2\"]}}\n")
  );
  EXPECT_THAT(
      found.live,
      ElementsAre(change{"discovery.static.peers", "[\"n1=h:1\"]", "[\"n1=h:1\", \"n2=h:2\"]"})
  );
  EXPECT_THAT(found.restart, IsEmpty());
}

TEST_F(DiffTest, AProviderThatComesOrGoesNeedsARestart) {
  const std::string alone = with(any_door);
  const std::string peered =
      with(std::string(any_door) + "discovery: {static: {peers: [\"n1=h:1\"]}}\n");
  EXPECT_THAT(
      between(alone, peered).restart, ElementsAre(change{"discovery.static", "", "present"})
  );
  EXPECT_THAT(
      between(peered, alone).restart, ElementsAre(change{"discovery.static", "present", ""})
  );
  EXPECT_THAT(between(alone, peered).live, IsEmpty());
  EXPECT_THAT(between(peered, alone).live, IsEmpty());
  const std::string named = with(std::string(any_door) + "discovery: {dns: {name: weir}}\n");
  EXPECT_THAT(
      between(peered, named).restart,
      ElementsAre(change{"discovery.static", "present", ""}, change{"discovery.dns", "", "present"})
  );
}

TEST_F(DiffTest, DnsNeedsARestart) {
  const auto dns = [](const std::string& rest) {
    return with(std::string(any_door) + "discovery: {dns: {name: weir, " + rest + "}}\n");
  };
  EXPECT_THAT(
      between(dns("port: 1"), dns("port: 1, servers: [10.0.0.2]")).restart,
      ElementsAre(change{"discovery.dns.servers", "[]", "[\"10.0.0.2:53\"]"})
  );
}

TEST_F(DiffTest, ATokenFileOfKubernetesMayHoldAnother) {
  const auto with_token = [](secret_text::origin from, const std::string& text) {
    kubernetes_discovery given{.service = "weir"};
    given.token = secret_text{.from = from, .reference = "x", .value = text, .written = {}};
    settings out;
    out.discovery.kubernetes = given;
    return out;
  };
  using origin = secret_text::origin;
  EXPECT_TRUE(diff(with_token(origin::file, "old"), with_token(origin::file, "new")).empty());
  const auto changed = diff(with_token(origin::env, "old"), with_token(origin::env, "new"));
  EXPECT_EQ(changed.restart.size(), 1u);
}

TEST_F(DiffTest, KeyspacesComeAndGoLive) {
  const std::string a = "  - {name: a, max_memory: 1MiB, source: {type: file, root: /}}\n";
  const std::string b = "  - {name: b, max_memory: 1MiB, source: {type: file, root: /}}\n";
  const auto found = between("keyspaces:\n" + a, "keyspaces:\n" + b);
  EXPECT_THAT(
      found.live,
      ElementsAre(change{"keyspaces.b", "", "added"}, change{"keyspaces.a", "removed", ""})
  );
}

TEST_F(DiffTest, TheOrderOfKeyspacesDoesNotMatter) {
  const std::string a = "  - {name: a, source: {type: file, root: /}}\n";
  const std::string b = "  - {name: b, source: {type: file, root: /}}\n";
  EXPECT_TRUE(between("keyspaces:\n" + a + b, "keyspaces:\n" + b + a).empty());
}

TEST_F(DiffTest, FieldsOfAKeyspaceAreNamed) {
  EXPECT_THAT(
      between(keyspace_with(""), keyspace_with("    ttl: 5s\n")).live,
      ElementsAre(change{"keyspaces.users.ttl", "5m", "5s"})
  );
}

TEST_F(DiffTest, AChangedDefaultShowsInEachKeyspace) {
  EXPECT_THAT(
      between(keyspace_with(""), "defaults: {ttl: 5s}\n" + keyspace_with("")).live,
      ElementsAre(change{"keyspaces.users.ttl", "5m", "5s"})
  );
}

TEST_F(DiffTest, ANewKeyspaceShrinksTheSharesOfOthers) {
  const std::string a = "  - {name: a, source: {type: file, root: /}}\n";
  const std::string b = "  - {name: b, source: {type: file, root: /}}\n";
  EXPECT_THAT(
      between("keyspaces:\n" + a, "keyspaces:\n" + a + b).live,
      ElementsAre(
          change{"keyspaces.a.max_memory", "1GiB", "512MiB"}, change{"keyspaces.b", "", "added"}
      )
  );
}

TEST_F(DiffTest, AnotherTypeOfSourceIsAChange) {
  const auto found =
      between(source_is("{type: file, root: /}"), source_is("{type: callback, name: x}"));
  EXPECT_THAT(
      found.live,
      ElementsAre(
          change{"keyspaces.users.source.type", "file", "callback"},
          change{"keyspaces.users.source.name", "", "x"},
          change{"keyspaces.users.source.root", "/", ""},
          change{"keyspaces.users.source.write", "false", ""}
      )
  );
}

TEST_F(DiffTest, AChangedSecretIsNoticedButNotShown) {
  const std::string text =
      source_is("{type: http, url: \"http://h/{key}\", headers: {a: {env: TOKEN}}}");
  variables["TOKEN"] = "old-s3cret";
  const auto before = valid(text);
  variables["TOKEN"] = "new-s3cret";
  EXPECT_THAT(
      diff(before, valid(text)).live,
      ElementsAre(change{"keyspaces.users.source.headers.a", "{env: TOKEN}", "{env: TOKEN}"})
  );
}

}  // namespace
}  // namespace weir::config
