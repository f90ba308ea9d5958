#include "tests/config/config_support.hpp"

namespace weir::config {
namespace {

using namespace std::chrono_literals;

class MergeTest : public config_test {
 protected:
  load_result load_files(
      const std::vector<std::string>& names, const std::vector<std::string>& sets = {}
  ) const {
    return load({names, sets}, world());
  }

  settings valid_files(const std::vector<std::string>& names) const {
    const auto loaded = load_files(names);
    EXPECT_TRUE(loaded.settings) << format_problems(loaded.problems);
    return loaded.settings.value_or(settings{});
  }
};

TEST_F(MergeTest, LaterFilesWinKeyByKey) {
  files["a.yaml"] = with("cluster: a\nnode: {id: n1, weight: 2}\n");
  files["b.yaml"] = "node: {weight: 3}\n";
  const auto given = valid_files({"a.yaml", "b.yaml"});
  EXPECT_EQ(given.cluster, "a");
  EXPECT_EQ(given.node.id, "n1");
  EXPECT_EQ(given.node.weight, 3u);
}

TEST_F(MergeTest, KeyspacesAreMergedByName) {
  files["a.yaml"] = keyspace_with("    ttl: 5s\n");
  files["b.yaml"] =
      "keyspaces:\n  - {name: more, source: {type: file, root: /}}\n  - {name: users, jitter: "
      "0%}\n";
  const auto given = valid_files({"a.yaml", "b.yaml"});
  ASSERT_EQ(given.keyspaces.size(), 2u);
  EXPECT_EQ(given.keyspaces[0].name, "users");
  EXPECT_EQ(given.keyspaces[0].ttl, 5s);
  EXPECT_EQ(given.keyspaces[0].jitter, 0);
  EXPECT_EQ(given.keyspaces[1].name, "more");
}

TEST_F(MergeTest, OtherListsAreReplaced) {
  files["a.yaml"] = with(
      "listen: {peer: {address: \"127.0.0.1:1\"}}\n"
      "discovery: {static: {peers: [\"n1=h:1\", \"n2=h:2\"]}}\n"
  );
  files["b.yaml"] = "discovery: {static: {peers: [\"n3=h:3\"]}}\n";
  EXPECT_EQ(valid_files({"a.yaml", "b.yaml"}).discovery.fixed->peers.size(), 1u);
}

TEST_F(MergeTest, ASourceOfAnotherTypeReplacesTheWhole) {
  files["a.yaml"] = source_is("{type: sqlite, path: a, query: \"SELECT ?1\"}");
  files["b.yaml"] = source_is("{type: file, root: /x}");
  const auto given = valid_files({"a.yaml", "b.yaml"});
  EXPECT_EQ(std::get<file_source>(given.keyspaces[0].source).root, "/x");
}

TEST_F(MergeTest, ASourceOfTheSameTypeIsMerged) {
  files["a.yaml"] = source_is("{type: sqlite, path: a, query: \"SELECT ?1\"}");
  files["b.yaml"] = source_is("{path: b}");
  const auto given = valid_files({"a.yaml", "b.yaml"});
  EXPECT_EQ(std::get<sqlite_source>(given.keyspaces[0].source).path, "b");
}

TEST_F(MergeTest, ProblemsNameTheirFile) {
  files["a.yaml"] = with("cluster: \"\"\n");
  files["b.yaml"] = "node: {weight: 0}\nx: 1\n";
  const auto text = format_problems(load_files({"a.yaml", "b.yaml"}).problems);
  EXPECT_THAT(text, HasSubstr("a.yaml:2:10: error: cluster"));
  EXPECT_THAT(text, HasSubstr("b.yaml:1:16: error: node.weight"));
  EXPECT_THAT(text, HasSubstr("b.yaml:2:1: error: unknown key"));
}

TEST_F(MergeTest, SyntaxErrorsOfAllFilesAreReported) {
  files["a.yaml"] = "a: [\n";
  files["b.yaml"] = "b: ]\n";
  EXPECT_EQ(load_files({"a.yaml", "b.yaml", "c.yaml"}).problems.size(), 3u);
}

TEST_F(MergeTest, AnEmptyFileAddsNothing) {
  files["a.yaml"] = with("cluster: a\n");
  files["b.yaml"] = "# nothing\n";
  EXPECT_EQ(valid_files({"a.yaml", "b.yaml"}).cluster, "a");
}

TEST_F(MergeTest, NoFileAtAllLacksKeyspaces) {
  EXPECT_THAT(briefly(load_files({})), ElementsAre(HasSubstr("\"keyspaces\" is missing")));
}

class SetTest : public config_test {
 protected:
  std::string printed(const std::vector<std::string>& sets) const {
    auto loaded = load_yaml(with(""), sets);
    return loaded.problems.empty() ? "" : format_problems({loaded.problems.front()});
  }
};

TEST_F(SetTest, SetsAScalar) {
  EXPECT_EQ(valid(with(""), {"node.id=n2"}).node.id, "n2");
}

TEST_F(SetTest, TextNeedsNoQuotes) {
  EXPECT_EQ(valid(with(""), {"node.id=5"}).node.id, "5");
  EXPECT_EQ(valid(with(""), {"cluster=true"}).cluster, "true");
}

TEST_F(SetTest, SetsAddressesWithBrackets) {
  EXPECT_EQ(valid(with(""), {"listen.http.address=[::1]:7420"}).listen.http.address.host, "::1");
}

TEST_F(SetTest, WinsOverTheFileAndTheLastOneWins) {
  EXPECT_EQ(valid(with("cluster: a\n"), {"cluster=b", "cluster=c"}).cluster, "c");
}

TEST_F(SetTest, ReachesKeyspacesByIndexAndName) {
  EXPECT_EQ(valid(keyspace_with(""), {"keyspaces[0].ttl=5s"}).keyspaces[0].ttl, 5s);
  EXPECT_EQ(valid(keyspace_with(""), {"keyspaces.users.ttl=6s"}).keyspaces[0].ttl, 6s);
}

TEST_F(SetTest, TakesListsAndMapsInBrackets) {
  const auto given = valid(
      "",
      {"keyspaces=[{name: a, source: {type: file, root: /}}]",
       "discovery.static.peers=[\"n1=h:1\", n2=h:2]",
       "listen.peer={insecure: true}"}
  );
  EXPECT_EQ(given.keyspaces.size(), 1u);
  EXPECT_EQ(given.discovery.fixed->peers.size(), 2u);
}

TEST_F(SetTest, ReplacesAnItemOfAList) {
  const auto given = valid(
      with("listen: {peer: {insecure: true}}\ndiscovery: {static: {peers: [n1=h:1, n2=h:2]}}\n"),
      {"discovery.static.peers[1]=n3=h:3"}
  );
  EXPECT_EQ(given.discovery.fixed->peers[1].id, "n3");
}

TEST_F(SetTest, ReplacesVariables) {
  variables["NAME"] = "x";
  EXPECT_EQ(valid(with(""), {"cluster=${NAME}"}).cluster, "x");
}

TEST_F(SetTest, ErrorsNameTheOption) {
  EXPECT_EQ(
      printed({"node.weight=-1"}),
      "--set node.weight=-1: error: node.weight: \"-1\" is negative; write a value from 1 to 100\n"
      "1 error. Nothing was started.\n"
  );
}

TEST_F(SetTest, BadPortsNameTheOption) {
  for (const std::string port : {"65536", "80x", "-1", ""}) {
    const std::string option = "listen.http.address=127.0.0.1:" + port;
    EXPECT_THAT(printed({option}), testing::StartsWith("--set " + option + ": error: "));
  }
}

TEST_F(SetTest, ZonesAndSizesNameTheOption) {
  EXPECT_THAT(printed({"listen.http.address=[fe80::1%lo]:1"}), HasSubstr("has an IPv6 zone"));
  EXPECT_THAT(printed({"node.max_memory=-1MiB"}), HasSubstr("\"-1MiB\" is negative"));
  EXPECT_THAT(printed({"node.max_memory=10GBx"}), HasSubstr("\"10GBx\" is not a size"));
}

TEST_F(SetTest, UnknownPathsNameTheOption) {
  EXPECT_THAT(
      printed({"node.wieght=1"}),
      HasSubstr("--set node.wieght=1: error: node: unknown key \"wieght\"; did you mean \"weight\"?"
      )
  );
}

TEST_F(SetTest, UnknownKeyspacesAreNotCreated) {
  EXPECT_THAT(
      problems(keyspace_with(""), {"keyspaces.user.ttl=5s"}),
      ElementsAre("keyspaces: there is no keyspace \"user\" (did you mean \"users\"?)")
  );
  EXPECT_THAT(
      problems(keyspace_with(""), {"keyspaces[1].ttl=5s"}),
      ElementsAre("keyspaces[1]: the list has 1 items (indexes start at 0)")
  );
}

TEST_F(SetTest, MalformedOptionsAreExplained) {
  for (const std::string option :
       {"cluster", "=x", ".a=x", "a..b=x", "a[=x", "a[x]=x", "[0]=x", "a]b[=x", ""}) {
    EXPECT_THAT(printed({option}), HasSubstr("error: ")) << option;
  }
}

TEST_F(SetTest, ValuesOfHeadersStayOutOfProblems) {
  const auto loaded = load_yaml(
      source_is("{type: http, url: \"http://h/{key}\"}"),
      {"keyspaces[0].source.headers.host=s3cret"}
  );
  EXPECT_THAT(format_problems(loaded.problems), testing::Not(HasSubstr("s3cret")));
}

}  // namespace
}  // namespace weir::config
