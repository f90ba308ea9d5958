#include "tests/config/config_support.hpp"

namespace weir::config {
namespace {

class ProblemsTest : public config_test {
 protected:
  std::string printed(std::string_view text, const std::vector<std::string>& sets = {}) const {
    return format_problems(load_yaml(text, sets).problems);
  }
};

TEST_F(ProblemsTest, PrintsAllFiveMistakesOfAFileInOneRun) {
  EXPECT_EQ(
      printed("cluster: demo\n"
              "node:\n"
              "  max_memory: 64Mb\n"
              "listen:\n"
              "  http: {address: \"127.0.0.1:80x\"}\n"
              "keyspaces:\n"
              "  - name: users\n"
              "    ttl: 30\n"
              "    source: {type: sqlite, path: a.db, query: \"SELECT 1\"}\n"
              "  - name: products\n"
              "    tll: 30s\n"
              "    source: {type: http, url: \"http://h/{key}\"}\n"),
      "weir.yaml:3:15: error: node.max_memory: \"64Mb\" is not a size\n"
      "    3 |   max_memory: 64Mb\n"
      "      |               ^^^^ write 64MB (decimal) or 64MiB (binary)\n"
      "weir.yaml:5:19: error: listen.http.address: \"127.0.0.1:80x\" has the port \"80x\"\n"
      "    5 |   http: {address: \"127.0.0.1:80x\"}\n"
      "      |                   ^^^^^^^^^^^^^^^ a port is a number from 1 to 65535\n"
      "weir.yaml:8:10: error: keyspaces[0].ttl: \"30\" has no unit\n"
      "    8 |     ttl: 30\n"
      "      |          ^^ write 30s\n"
      "weir.yaml:9:47: error: keyspaces[0].source.query: the query does not contain ?1\n"
      "    9 |     source: {type: sqlite, path: a.db, query: \"SELECT 1\"}\n"
      "      |                                               ^^^^^^^^^^ write ?1 for the key, "
      "without quotes\n"
      "weir.yaml:11:5: error: keyspaces[1] (\"products\"): unknown key \"tll\"\n"
      "   11 |     tll: 30s\n"
      "      |     ^^^ did you mean \"ttl\"?\n"
      "5 errors. Nothing was started.\n"
  );
}

TEST_F(ProblemsTest, PrintsNothingForNoProblems) {
  EXPECT_EQ(printed(with("")), "");
}

TEST_F(ProblemsTest, NamesTheOptionInsteadOfALine) {
  EXPECT_EQ(
      printed(with(""), {"node.weight=-1"}),
      "--set node.weight=-1: error: node.weight: \"-1\" is negative; write a value from 1 to 100\n"
      "1 error. Nothing was started.\n"
  );
}

TEST_F(ProblemsTest, WarningsAloneDoNotStopTheStart) {
  const auto loaded =
      load_yaml(with("node: {id: n1}\n"
                     "listen: {peer: {address: \"127.0.0.1:7420\"}}\n"
                     "discovery: {static: {peers: [\"n1=127.0.0.1:7431\"]}}\n"));
  EXPECT_TRUE(loaded.settings);
  EXPECT_EQ(
      format_problems(loaded.problems),
      "weir.yaml:4:29: warning: discovery.static.peers[0]: this node is listed with port 7431, but "
      "listens on 7420\n"
      "    4 | discovery: {static: {peers: [\"n1=127.0.0.1:7431\"]}}\n"
      "      |                             ^ other nodes will not reach it there\n"
  );
}

TEST_F(ProblemsTest, SortsByLine) {
  const auto found = problems(with("zz: 1\nnode: {weight: 0}\naa: 1\ncluster: \"\"\n"));
  EXPECT_THAT(
      found,
      ElementsAre(
          testing::StartsWith("2:1"),
          testing::StartsWith("3:16"),
          testing::StartsWith("4:1"),
          testing::StartsWith("5:10")
      )
  );
}

TEST_F(ProblemsTest, CutsLongLinesAroundThePlace) {
  const std::string padding(200'000, ' ');
  const auto loaded = load_yaml(with("node: {weight: 1," + padding + "wieght: 2}\n"));
  ASSERT_EQ(loaded.problems.size(), 1u);
  EXPECT_LT(loaded.problems[0].excerpt.size(), 200u);
  EXPECT_EQ(loaded.problems[0].excerpt.substr(loaded.problems[0].caret, 6), "wieght");
}

TEST_F(ProblemsTest, CountsWhatItDoesNotPrint) {
  std::string text;
  for (int i = 0; i < 900; ++i) text += "zzz" + std::to_string(i) + ": 1\n";
  const auto found = problems(with(text));
  EXPECT_EQ(found.size(), 201u);
  EXPECT_EQ(found.back(), "and 700 more problems, not shown");
}

TEST_F(ProblemsTest, ShowsNoControlCharacters) {
  EXPECT_THAT(printed(with("cluster: \"a\\x1b[31mb\"\n")), HasSubstr("\"a?[31mb\" contains"));
}

TEST_F(ProblemsTest, CutsLongValues) {
  const auto found = problems(with("cluster: " + std::string(5000, 'a') + "\n"));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_LT(found[0].size(), 200u);
}

}  // namespace
}  // namespace weir::config
