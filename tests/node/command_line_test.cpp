#include "node/program/command_line.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace weir {
namespace {

std::optional<std::string> no_variable(std::string_view) {
  return std::nullopt;
}

parsed_command_line parse(std::vector<std::string> words) {
  return parse_command_line(std::move(words), no_variable);
}

TEST(CommandLine, ReadsAGet) {
  const auto read = parse({"get", "users", "42", "--explain", "-o", "json"});
  ASSERT_TRUE(read.command) << read.err;
  EXPECT_EQ(read.command->command, verb::get);
  EXPECT_EQ(read.command->keyspace, "users");
  EXPECT_EQ(read.command->keys, std::vector<std::string>{"42"});
  EXPECT_TRUE(read.command->explain);
  EXPECT_EQ(read.command->output, output_format::json);
  EXPECT_EQ(read.command->server, "http://127.0.0.1:7421");
}

TEST(CommandLine, ReadsAPutWithItsCondition) {
  const auto read = parse({"put", "--if-match", "a-1", "users", "42", "Ada", "--ttl", "30s"});
  ASSERT_TRUE(read.command) << read.err;
  EXPECT_EQ(read.command->value, "Ada");
  EXPECT_EQ(read.command->if_match, "a-1");
  EXPECT_EQ(read.command->ttl, "30s");
}

TEST(CommandLine, PutsFromStdinWhenTheValueIsADashOrMissing) {
  EXPECT_EQ(parse({"put", "users", "42", "-"}).command->value, "-");
  EXPECT_EQ(parse({"put", "users", "42"}).command->value, "-");
}

TEST(CommandLine, KeysMayBeginWithADashAfterTwoDashes) {
  const auto read = parse({"get", "users", "--", "-42"});
  ASSERT_TRUE(read.command) << read.err;
  EXPECT_EQ(read.command->keys.front(), "-42");
}

TEST(CommandLine, ReadsSeveralFilesAndSettings) {
  const auto read = parse(
      {"serve", "-c", "a.yaml", "-c", "b.yaml", "--set", "node.id=n2", "--set", "log.level=debug"}
  );
  ASSERT_TRUE(read.command) << read.err;
  EXPECT_EQ(read.command->files, (std::vector<std::string>{"a.yaml", "b.yaml"}));
  EXPECT_EQ(read.command->sets, (std::vector<std::string>{"node.id=n2", "log.level=debug"}));
}

TEST(CommandLine, TakesTheServerFromTheEnvironmentUnlessItIsGiven) {
  const auto variable = [](std::string_view name) -> std::optional<std::string> {
    return name == "WEIR_SERVER" ? std::optional<std::string>("http://10.0.0.1:7421")
                                 : std::nullopt;
  };
  EXPECT_EQ(parse_command_line({"members"}, variable).command->server, "http://10.0.0.1:7421");
  const auto given = parse_command_line({"members", "--server", "http://n2:7421"}, variable);
  EXPECT_EQ(given.command->server, "http://n2:7421");
}

TEST(CommandLine, ForgetNamesAMember) {
  const auto read = parse({"members", "forget", "n3", "-o", "json", "--server", "http://n2:7421"});
  ASSERT_TRUE(read.command) << read.err;
  EXPECT_EQ(read.command->command, verb::forget);
  EXPECT_EQ(read.command->member, "n3");
  EXPECT_EQ(read.command->output, output_format::json);
  EXPECT_EQ(read.command->server, "http://n2:7421");
  EXPECT_EQ(parse({"members"}).command->command, verb::members);
}

TEST(CommandLine, RefusesWhatItDoesNotKnowInOneLine) {
  const std::vector<std::vector<std::string>> wrong{
      {"gett"},
      {"get"},
      {"get", "users"},
      {"get", "users", "1", "2"},
      {"get", "users", "1", "--wat"},
      {"members", "-o", "xml"},
      {"members", "-o", "1"},
      {"get", "users", "1", "--timeout", "5"},
      {"get", "users", "1", "--timeout", "0s"},
      {"get", "users", "1", "--timeout", "6m"},
      {"put", "users", "1", "x", "--ttl", "30"},
      {"put", "users", "1", "x", "--ttl", "31d"},
      {"members", "forget"},
      {"members", "forget", ""},
      {"members", "forget", "n3", "n4"},
      {"members", "n3"},
      {"mget", "users"},
      {"config"},
      {"config", "check"},
      {"serve", "extra"}};
  for (const auto& words : wrong) {
    const auto read = parse(words);
    EXPECT_FALSE(read.command);
    EXPECT_EQ(read.code, exit_code::usage);
    EXPECT_EQ(std::count(read.err.begin(), read.err.end(), '\n'), 1) << read.err;
    EXPECT_NE(read.err.find("--help"), std::string::npos) << read.err;
  }
}

TEST(CommandLine, WithoutAWordItShowsTheHelpAndEndsWithTwo) {
  const auto read = parse({});
  EXPECT_EQ(read.code, exit_code::usage);
  EXPECT_NE(read.err.find("Subcommands:"), std::string::npos) << read.err;
}

TEST(CommandLine, HelpAndVersionAreFoundHoweverTheyAreAskedFor) {
  EXPECT_EQ(parse({"help"}).out, parse({"--help"}).out);
  EXPECT_EQ(parse({"help", "get"}).out, parse({"get", "--help"}).out);
  for (const std::string word : {"--version", "-V", "-v"}) {
    EXPECT_EQ(parse({word}).out, version_line() + "\n") << word;
  }
}

TEST(CommandLine, SaysWhatWasProbablyMeant) {
  const auto error_of = [](std::vector<std::string> words) { return parse(std::move(words)).err; };
  EXPECT_EQ(
      error_of({"mget", "a", "b", "--outpt", "json"}),
      "weir mget: \"--outpt\" is not an option; did you mean --output; see weir mget --help\n"
  );
  EXPECT_EQ(
      error_of({"get", "users", "1", "2"}),
      "weir get: \"2\" is a word too many; several keys are read with weir mget; see weir get "
      "--help\n"
  );
  EXPECT_EQ(
      error_of({"members", "forget", "n3", "n4"}),
      "weir members forget: \"n4\" is a word too many; see weir members forget --help\n"
  );
}

TEST(CommandLine, AWordThatIsTooLongIsNotEchoedWhole) {
  EXPECT_LT(parse({std::string(600, 'x')}).err.size(), 200U);
  EXPECT_LT(parse({"get", "users", "1", std::string(600, 'x')}).err.size(), 200U);
}

TEST(CommandLine, AServerWithAPathIsRefused) {
  const auto read = parse({"get", "users", "1", "--server", "http://n1:7421/v1"});
  EXPECT_EQ(read.code, exit_code::usage);
  EXPECT_NE(read.err.find("has a path"), std::string::npos) << read.err;
  EXPECT_TRUE(parse({"get", "users", "1", "--server", "http://n1:7421/"}).command);
}

TEST(CommandLine, TheEndOfLineOfATokenIsNoPartOfIt) {
  const auto variable = [](std::string_view name) -> std::optional<std::string> {
    return name == "WEIR_TOKEN" ? std::optional<std::string>("0123456789abcdef\r\n") : std::nullopt;
  };
  EXPECT_EQ(parse_command_line({"members"}, variable).command->token, "0123456789abcdef");
}

TEST(CommandLine, NamesTheWordThatIsNoCommand) {
  EXPECT_EQ(
      parse({"gett"}).err,
      "weir: \"gett\" is not a command; did you mean weir get; see weir --help\n"
  );
  EXPECT_EQ(
      parse({"config", "x"}).err, "weir config: \"x\" is not a command; see weir config --help\n"
  );
  EXPECT_EQ(
      parse({"check", "weir.yaml"}).err,
      "weir: \"check\" is not a command; did you mean weir config check; see weir --help\n"
  );
}

TEST(CommandLine, SaysWhichOptionIsWrongAndWhatItTakes) {
  EXPECT_EQ(
      parse({"get", "users", "1", "--timeout", "5"}).err,
      "weir get: --timeout: \"5\" is not a time; write it like 250ms or 30s; see weir get --help\n"
  );
  EXPECT_EQ(
      parse({"get", "users", "1", "-o", "xml"}).err,
      "weir get: -o: \"xml\" is neither table nor json; see weir get --help\n"
  );
}

TEST(CommandLine, HelpOnEveryLevelHasAnExample) {
  const std::vector<std::vector<std::string>> levels{
      {},
      {"serve"},
      {"demo"},
      {"get"},
      {"mget"},
      {"put"},
      {"del"},
      {"invalidate"},
      {"clear"},
      {"owner"},
      {"keys"},
      {"reload"},
      {"drain"},
      {"ring"},
      {"members"},
      {"members", "forget"},
      {"keyspaces"},
      {"stats"},
      {"health"},
      {"version"},
      {"config"},
      {"config", "check"},
      {"config", "show"},
      {"config", "schema"}};
  for (auto words : levels) {
    words.push_back("--help");
    const auto read = parse(words);
    EXPECT_EQ(read.code, exit_code::ok);
    EXPECT_NE(read.out.find("Example: "), std::string::npos) << words.front();
    EXPECT_TRUE(read.out.find("weir ") != std::string::npos);
    EXPECT_TRUE(read.err.empty());
    for (std::size_t at = 0, end = 0; at < read.out.size(); at = end + 1) {
      end = read.out.find('\n', at);
      EXPECT_LE(end - at, 80U) << read.out.substr(at, end - at);
    }
  }
}

}  // namespace
}  // namespace weir
