#include "tests/config/config_support.hpp"

namespace weir::config {
namespace {

class StrictYamlTest : public config_test {};

TEST_F(StrictYamlTest, RefusesUnknownKeys) {
  EXPECT_THAT(
      problems(with("node: {wieght: 2}\n")),
      ElementsAre("2:8 node: unknown key \"wieght\" (did you mean \"weight\"?)")
  );
}

TEST_F(StrictYamlTest, SaysWhereAMisplacedKeyBelongs) {
  EXPECT_THAT(
      problems(with("drain_timeout: 5s\n")),
      ElementsAre("2:1 unknown key \"drain_timeout\" (it belongs to node.drain_timeout)")
  );
}

TEST_F(StrictYamlTest, RefusesDuplicateKeys) {
  EXPECT_THAT(
      problems(with("node:\n  weight: 1\n  weight: 2\n")),
      ElementsAre("4:3 node: duplicate key \"weight\" (first given in line 3; remove one)")
  );
}

TEST_F(StrictYamlTest, RefusesEmptyValues) {
  EXPECT_THAT(
      problems(with("cluster:\n")),
      ElementsAre("2:1 cluster: has no value (give a value, or remove the key; write \"null\" in "
                  "quotes for "
                  "that text)")
  );
}

TEST_F(StrictYamlTest, RefusesNullInEverySpelling) {
  for (const char* word : {"~", "null", "Null", "NULL"}) {
    EXPECT_THAT(
        problems(with("cluster: " + std::string(word) + "\n")),
        ElementsAre(HasSubstr("cluster: has no value"))
    ) << word;
  }
}

TEST_F(StrictYamlTest, TakesTheQuotedWordNullAsText) {
  EXPECT_EQ(valid(with("cluster: \"null\"\n")).cluster, "null");
}

TEST_F(StrictYamlTest, RefusesAnchorsAndAliases) {
  EXPECT_THAT(
      problems(with("log: &x {level: info}\nnode: *x\n")),
      ElementsAre(
          "2:6 log: anchors (&name) are not supported (repeat the value, or use defaults: for "
          "keyspaces)",
          "3:7 node: aliases (*name) are not supported (repeat the value, or use defaults: for "
          "keyspaces)"
      )
  );
}

TEST_F(StrictYamlTest, RefusesAnAliasOfNothing) {
  EXPECT_THAT(
      problems(with("node: *x\n")),
      ElementsAre("2:7 anchors (&name) and aliases (*name) are not supported (repeat the value)")
  );
}

TEST_F(StrictYamlTest, BillionLaughsEndsAtOnce) {
  std::string text = "a: &a0 [x, x]\n";
  for (int i = 1; i <= 9; ++i) {
    const std::string alias = "*a" + std::to_string(i - 1);
    text +=
        "b" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + alias + "," + alias + "]\n";
  }
  EXPECT_FALSE(load_yaml(text).settings);
}

TEST_F(StrictYamlTest, AnAliasOfItselfEndsAtOnce) {
  EXPECT_FALSE(load_yaml("a: &a [*a]\n").settings);
}

TEST_F(StrictYamlTest, RefusesMergeKeys) {
  EXPECT_THAT(
      problems(keyspace_with("    <<: {ttl: 5s}\n")),
      ElementsAre(
          "4:5 keyspaces[0]: merge keys (<<) are not supported (use defaults: for keyspaces)"
      )
  );
}

TEST_F(StrictYamlTest, RefusesTags) {
  EXPECT_THAT(
      problems(with("cluster: !!str 5\n")),
      ElementsAre(
          "2:10 cluster: tags (such as !!str) are not supported (remove it; quotes make a number a "
          "text)",
          "2:10 cluster: 5 is not text to YAML (put it in quotes: \"5\")"
      )
  );
}

TEST_F(StrictYamlTest, RefusesASecondDocument) {
  EXPECT_THAT(
      problems(with("---\ncluster: x\n")),
      ElementsAre(HasSubstr("a second document (a configuration is one YAML document"))
  );
}

TEST_F(StrictYamlTest, RefusesTextAfterTheDocument) {
  EXPECT_THAT(problems("[a]: b\nc\n"), testing::Not(IsEmpty()));
  EXPECT_FALSE(load_yaml("{keyspaces: []} x\n").settings);
}

TEST_F(StrictYamlTest, TakesDocumentMarkersAroundOneDocument) {
  EXPECT_EQ(valid("---\n" + with("cluster: x\n...\n")).cluster, "x");
}

TEST_F(StrictYamlTest, RefusesNestingDeeperThan32) {
  const std::string text = "a: " + std::string(40, '[') + std::string(40, ']') + "\n";
  EXPECT_THAT(problems(text), ElementsAre(HasSubstr("nested more than 32 deep")));
}

TEST_F(StrictYamlTest, SurvivesNesting100000Deep) {
  for (const char* opener : {"[", "{a: ", "- ", "? "}) {
    std::string text;
    for (int i = 0; i < 100'000; ++i) text += opener;
    EXPECT_FALSE(load_yaml(text).settings) << opener;
  }
}

TEST_F(StrictYamlTest, RefusesMoreThan100000Values) {
  std::string text = "a: [";
  for (int i = 0; i < 100'001; ++i) text += "1,";
  EXPECT_THAT(problems(text + "1]\n"), ElementsAre(HasSubstr("more than 100000 values")));
}

TEST_F(StrictYamlTest, RefusesAMapWithMoreThan1000Keys) {
  std::string text;
  for (int i = 0; i < 1'001; ++i) text += "k" + std::to_string(i) + ": 1\n";
  EXPECT_THAT(problems(text), ElementsAre(HasSubstr("1001:1 a map with more than 1000 keys")));
}

TEST_F(StrictYamlTest, RefusesInvalidUtf8WithItsLine) {
  EXPECT_THAT(
      problems(with("cluster: a\xff\n")),
      ElementsAre("line 2: byte 0xff is not valid UTF-8 (save the file as UTF-8)")
  );
}

TEST_F(StrictYamlTest, RefusesOverlongFormsAndSurrogates) {
  for (const char* bytes :
       {"\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe2\x82"}) {
    EXPECT_THAT(
        problems("# " + std::string(bytes) + "\n"), ElementsAre(HasSubstr("is not valid UTF-8"))
    );
  }
}

TEST_F(StrictYamlTest, RefusesUtf16) {
  EXPECT_THAT(
      problems(std::string(
          "\xff\xfe"
          "a\0:\0",
          6
      )),
      ElementsAre("the file is UTF-16 (save it as UTF-8)")
  );
}

TEST_F(StrictYamlTest, RefusesControlCharacters) {
  EXPECT_THAT(
      problems(with(std::string("cluster: a\0b\n", 13))),
      ElementsAre("2:11 a control character (remove it)")
  );
  EXPECT_THAT(
      problems(with("cluster: a\rb\n")),
      ElementsAre("2:11 a carriage return without line feed (remove it)")
  );
}

TEST_F(StrictYamlTest, ToleratesAByteOrderMark) {
  EXPECT_EQ(valid("\xef\xbb\xbf" + with("cluster: x\n")).cluster, "x");
  EXPECT_THAT(
      problems(
          "\xef\xbb\xbf"
          "x: 1\n" +
          with("")
      ),
      ElementsAre(HasSubstr("1:1 unknown key"))
  );
}

TEST_F(StrictYamlTest, ToleratesCrLf) {
  EXPECT_EQ(
      valid("cluster: x\r\nkeyspaces:\r\n- name: a\r\n  source: {type: file, root: /}\r\n").cluster,
      "x"
  );
  EXPECT_THAT(problems("\r\nx: 1\r\n" + with("")), ElementsAre(HasSubstr("2:1 unknown key")));
}

TEST_F(StrictYamlTest, PointsAtATabInTheIndentation) {
  EXPECT_THAT(
      problems(with("node:\n\tweight: 1\n")),
      ElementsAre("3:1 a tab in the indentation (YAML indents with spaces only)")
  );
}

TEST_F(StrictYamlTest, NamesATabElsewhere) {
  EXPECT_THAT(
      problems(with("node:\n  \tweight: 1\n")),
      ElementsAre("3:3 a tab in the indentation (YAML indents with spaces only)")
  );
}

TEST_F(StrictYamlTest, NoticesAQuoteThatIsNeverClosed) {
  EXPECT_THAT(
      problems(with("cluster: \"x\nnode: {weight: 1}\n")),
      ElementsAre("2:10 cluster: the quote that opens here is never closed")
  );
}

TEST_F(StrictYamlTest, ExplainsAnUnquotedAddressWithBrackets) {
  EXPECT_THAT(
      problems(with("listen: {http: {address: [::1]:7421}}\n")),
      ElementsAre(HasSubstr("put an address with brackets in quotes: \"[::]:7420\""))
  );
}

TEST_F(StrictYamlTest, RefusesKeysThatAreNotText) {
  EXPECT_THAT(
      problems(with("[a]: 1\n")),
      ElementsAre(
          "2:1 a key must be text, not a list (put a value that starts with [ or { in quotes)"
      )
  );
}

TEST_F(StrictYamlTest, RefusesAnEmptyFileAsLackingKeyspaces) {
  EXPECT_THAT(
      problems(""),
      ElementsAre(HasSubstr("\"keyspaces\" is missing (add keyspaces: [{name: users,"))
  );
  EXPECT_THAT(problems("# nothing\n"), ElementsAre(HasSubstr("\"keyspaces\" is missing")));
}

TEST_F(StrictYamlTest, RefusesAFileThatIsNoMap) {
  EXPECT_THAT(
      problems("- a\n"),
      ElementsAre("1:1 expected a map of settings such as \"keyspaces: [...]\", found a list")
  );
}

TEST_F(StrictYamlTest, RefusesWrongTypes) {
  EXPECT_THAT(
      problems(with("node: 5\nlisten: []\ncluster: {a: b}\nring: {vnodes: [1]}\n")),
      ElementsAre(
          "2:7 node: expected a map, found \"5\"",
          "3:9 listen: expected a map, found a list",
          "4:10 cluster: expected text, found a map",
          "5:16 ring.vnodes: expected a whole number, found a list"
      )
  );
}

TEST_F(StrictYamlTest, ANumberIsNotText) {
  EXPECT_THAT(
      problems(with("cluster: 5\n")),
      ElementsAre("2:10 cluster: 5 is not text to YAML (put it in quotes: \"5\")")
  );
  EXPECT_EQ(valid(with("cluster: \"5\"\n")).cluster, "5");
}

TEST_F(StrictYamlTest, TextInQuotesIsNotANumberOrBoolean) {
  EXPECT_THAT(
      problems(with("node: {weight: \"5\"}\nlisten: {http: {insecure: 'true'}}\n")),
      ElementsAre(
          "2:16 node.weight: text in quotes, expected a whole number (write it without quotes)",
          "3:27 listen.http.insecure: text in quotes, expected true or false (write it without "
          "quotes)"
      )
  );
}

TEST_F(StrictYamlTest, OnlyTrueAndFalseAreBooleans) {
  EXPECT_THAT(
      problems(with("listen: {http: {insecure: yes}}\n")),
      ElementsAre("2:27 listen.http.insecure: \"yes\" is not a boolean (write true)")
  );
}

TEST_F(StrictYamlTest, ABareNumberIsNoDuration) {
  EXPECT_THAT(
      problems(keyspace_with("    ttl: 30\n")),
      ElementsAre("4:10 keyspaces[0].ttl: \"30\" has no unit (write 30s)")
  );
}

TEST_F(StrictYamlTest, NumbersAreDecimal) {
  EXPECT_THAT(
      problems(with("node: {weight: 0x1F}\n")),
      ElementsAre("2:16 node.weight: \"0x1F\" is not a whole number (write decimal digits only)")
  );
}

TEST_F(StrictYamlTest, CountsColumnsInCharacters) {
  EXPECT_THAT(
      problems(with("log: {format: \"ä€😀\", x: 1}\n")),
      ElementsAre(
          HasSubstr("2:15 log.format"),
          "2:22 log: unknown key \"x\" (remove it; known here: level, format)"
      )
  );
}

}  // namespace
}  // namespace weir::config
