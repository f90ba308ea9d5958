#include "tests/config/config_support.hpp"

namespace weir::config {
namespace {

using namespace std::chrono_literals;

class ExpandTest : public config_test {
 protected:
  /// What `cluster: text` becomes.
  std::string cluster(const std::string& text) const {
    return valid(with("cluster: " + text + "\n")).cluster;
  }
};

TEST_F(ExpandTest, ReplacesVariables) {
  variables["NAME"] = "prod";
  EXPECT_EQ(cluster("${NAME}"), "prod");
  EXPECT_EQ(cluster("a-${NAME}-${NAME}"), "a-prod-prod");
}

TEST_F(ExpandTest, AnUnsetVariableIsAnErrorWithItsPlace) {
  EXPECT_THAT(
      problems(with("cluster: ${NAME}\n")),
      ElementsAre("2:10 cluster: the environment variable NAME is not set (set it, or write "
                  "${NAME:-default})")
  );
}

TEST_F(ExpandTest, ADefaultStandsInForUnsetAndEmpty) {
  variables["EMPTY"] = "";
  EXPECT_EQ(cluster("${NAME:-x}"), "x");
  EXPECT_EQ(cluster("${EMPTY:-x}"), "x");
}

TEST_F(ExpandTest, AMessageIsShownForUnsetAndEmpty) {
  variables["EMPTY"] = "";
  EXPECT_THAT(
      problems(with("cluster: ${NAME:?name the cluster}\nnode: {id: \"${EMPTY:?}\"}\n")),
      ElementsAre(
          "2:10 cluster: the environment variable NAME is not set: name the cluster (set it before "
          "the start)",
          "3:12 node.id: the environment variable EMPTY is not set (set it before the start)"
      )
  );
}

TEST_F(ExpandTest, ADoubledDollarIsLiteral) {
  variables["NAME"] = "x";
  const auto given = valid(source_is("{type: file, root: \"/a/$${NAME}/$x\"}"));
  EXPECT_EQ(std::get<file_source>(given.keyspaces[0].source).root, "/a/${NAME}/$x");
}

TEST_F(ExpandTest, MalformedVariablesAreErrors) {
  for (const char* text :
       {"\"${\"", "\"${NAME\"", "\"${}\"", "\"${1A}\"", "\"${A B}\"", "\"${A:x}\"", "\"${A-x}\""}) {
    EXPECT_EQ(problems(with("cluster: " + std::string(text) + "\n")).size(), 1u) << text;
  }
}

TEST_F(ExpandTest, AValueNeverBecomesStructure) {
  variables["NAME"] = "a, b: {c: d}";
  EXPECT_THAT(problems(with("cluster: ${NAME}\n")), ElementsAre(HasSubstr("contains a character")));
}

TEST_F(ExpandTest, AValueIsNotExpandedAgain) {
  variables["NAME"] = "${OTHER}";
  EXPECT_THAT(problems(with("cluster: ${NAME}\n")), ElementsAre(HasSubstr("\"${OTHER}\"")));
}

TEST_F(ExpandTest, NumbersMayComeFromVariablesEvenInQuotes) {
  variables["N"] = "3";
  EXPECT_EQ(valid(with("node: {weight: \"${N}\", id: \"${N}\"}\n")).node.weight, 3u);
  EXPECT_EQ(valid(with("node:\n  id: ${N:-5}\n")).node.id, "3");
}

TEST_F(ExpandTest, ExplainsBracesWithoutQuotesInsideBraces) {
  EXPECT_THAT(
      problems(with("node: {id: ${N}}\n")),
      ElementsAre(HasSubstr("(inside { } and [ ], put ${VAR} in quotes)"))
  );
}

TEST_F(ExpandTest, KeysStayAsTheyAre) {
  variables["K"] = "cluster";
  EXPECT_THAT(problems(with("\"${K}\": x\n")), ElementsAre(HasSubstr("unknown key \"${K}\"")));
}

TEST_F(ExpandTest, InvalidUtf8FromAVariableIsRefused) {
  variables["NAME"] = "\xff";
  EXPECT_THAT(problems(with("cluster: ${NAME}\n")), ElementsAre(HasSubstr("not valid UTF-8")));
}

TEST_F(ExpandTest, HugeReplacementsAreRefused) {
  variables["BIG"] = std::string(1 << 20, 'a');
  EXPECT_THAT(problems(with("cluster: ${BIG}${BIG}\n")), ElementsAre(HasSubstr("over 64 KiB")));
}

TEST_F(ExpandTest, EveryMissingVariableIsReported) {
  EXPECT_EQ(problems(with("cluster: ${A}\nnode: {id: \"${B}\", threads: \"${C}\"}\n")).size(), 3u);
}

}  // namespace
}  // namespace weir::config
