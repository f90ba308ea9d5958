#include "tests/config/config_support.hpp"

namespace weir::config {
namespace {

class SlipsTest : public config_test {
 protected:
  std::string first(std::string_view text) const {
    const auto all = problems(text);
    return all.size() == 1 ? all[0] : std::to_string(all.size()) + " problems";
  }
};

TEST_F(SlipsTest, AnUnquotedKeyBetweenBracketsIsShownWithItsQuotes) {
  EXPECT_EQ(
      first("keyspaces:\n  - name: a\n    source: {type: http, url: http://127.0.0.1:9000/{key}}\n"
      ),
      "3:53 not valid YAML: {key} needs quotes between brackets (write "
      "\"http://127.0.0.1:9000/{key}\")"
  );
  EXPECT_EQ(
      first("keyspaces: [{name: a, source: {type: http, url: http://h/{key}/x, timeout: 1s}}]\n"),
      "1:58 not valid YAML: {key} needs quotes between brackets (write \"http://h/{key}/x\")"
  );
}

TEST_F(SlipsTest, AMissingColonIsFoundOnItsOwnLine) {
  EXPECT_EQ(
      first("cluster demo\nkeyspaces: []\n"),
      "1:1 not valid YAML: is there a \":\" missing after \"cluster\"? (write cluster:)"
  );
  EXPECT_EQ(
      first("keyspaces:\n  - name users\n    ttl: 1m\n"),
      "2:5 not valid YAML: is there a \":\" missing after \"name\"? (write name:)"
  );
  EXPECT_EQ(
      first("log\n  level: info\n"),
      "1:1 not valid YAML: is there a \":\" missing after \"log\"? (write log:)"
  );
  EXPECT_EQ(
      first("cluster:demo\nkeyspaces: []\n"),
      "1:8 not valid YAML: a space is missing after \":\" (write cluster: demo)"
  );
}

TEST_F(SlipsTest, ABracketThatIsNotClosedIsPointedAt) {
  EXPECT_EQ(
      first("keyspaces: [\n"), "1:12 not valid YAML: this [ is not closed (add ] where it ends)"
  );
  EXPECT_EQ(
      first("keyspaces:\n  - {name: a, source: {type: file, root: .}\n  - {name: b}\n"),
      "2:5 not valid YAML: this { is not closed (add } where it ends)"
  );
  EXPECT_EQ(
      first("log: {level: info}\nlisten: {http: {address: \"[::1]:7421\"}\n"),
      "2:9 not valid YAML: this { is not closed (add } where it ends)"
  );
}

TEST_F(SlipsTest, BracketsInTextAndCommentsDoNotCount) {
  EXPECT_THAT(
      first("# [ {\nlog: {level: \"a ] b\", x: 'it''s }'\n"),
      HasSubstr("2:6 not valid YAML: this { is not closed")
  );
}

}  // namespace
}  // namespace weir::config
