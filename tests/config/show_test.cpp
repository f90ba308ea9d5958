#include "tests/config/config_support.hpp"

#include <weir/config/print.hpp>

namespace weir::config {
namespace {

class ShowTest : public config_test {
 protected:
  std::string shown_source(const std::string& source) const {
    const std::string text = show(valid(source_is(source)));
    return text.substr(text.rfind("    source:"));
  }
};

TEST_F(ShowTest, FillsInTheDefaults) {
  const std::string text = show(valid(with("")));
  EXPECT_THAT(text, testing::StartsWith("cluster: weir\nnode:\n  id: auto\n  weight: 1\n"));
  EXPECT_THAT(text, HasSubstr("\n    ttl: 5m\n"));
  EXPECT_THAT(text, HasSubstr("\n    # max_memory: 1GiB, its share of node.max_memory\n"));
}

TEST_F(ShowTest, LoadsAgainAsTheSameSettings) {
  const auto given = valid(
      "cluster: \"null\"\nnode: {id: \"5\", threads: 3}\n"
      "listen: {peer: {address: \"[::1]:0\"}}\n"
      "discovery: {static: {peers: [\"n1=[::1]:7\", \"n2=h:8\"]}}\n"
      "defaults: {ttl: 1s, jitter: 0.3333}\n"
      "keyspaces:\n"
      "  - {name: \"1e3\", max_memory: 3MB, ttl: 1h30m, source: {type: file, root: \"a \\\"b\\\\ "
      "$${X}\"}}\n"
      "  - {name: \"true\", source: {type: sqlite, path: \"-\", query: \"SELECT\\n?1 -- ä\"}}\n"
      "  - {name: b, source: {type: http, url: \"http://h/{key}\", headers: {accept: \"*/*\"}}}\n"
  );
  EXPECT_EQ(valid(show(given)), given);
}

TEST_F(ShowTest, ShowsDnsAsItLoadsAgain) {
  for (const std::string rest : {"", ", type: SRV, servers: [10.0.0.2, \"[fd00::2]:5353\"]"}) {
    const auto given = valid(with(
        "listen: {peer: {address: \"127.0.0.1:0\"}}\ndiscovery: {dns: {name: weir" + rest + "}}\n"
    ));
    EXPECT_EQ(valid(show(given)), given);
  }
}

TEST_F(ShowTest, ShowsSecretsByTheirOriginOnly) {
  variables["TOKEN"] = "s3cret";
  files["/run/token"] = "s3cret";
  EXPECT_EQ(
      shown_source("{type: http, url: \"http://h/{key}\", headers: {a: {env: TOKEN}, b: {file: "
                   "/run/token}, c: \"Bearer ${TOKEN}\"}}"),
      "    source:\n"
      "      type: http\n"
      "      url: \"http://h/{key}\"\n"
      "      headers:\n"
      "        a: {env: TOKEN}\n"
      "        b: {file: /run/token}\n"
      "        c: \"Bearer ${TOKEN}\"\n"
      "      timeout: 2s\n"
  );
}

TEST_F(ShowTest, MasksPlainCredentials) {
  const std::string text = shown_source(
      "{type: http, url: \"http://h/{key}\", headers: {Authorization: Basic abc, x-api-key: abc, "
      "accept: text}}"
  );
  EXPECT_THAT(text, testing::Not(HasSubstr("abc")));
  EXPECT_THAT(text, HasSubstr("Authorization: \"********\"\n"));
  EXPECT_THAT(text, HasSubstr("accept: text\n"));
}

TEST_F(ShowTest, SecretsLoadAgainFromTheirOrigin) {
  variables["TOKEN"] = "s3cret";
  const auto given = valid(source_is(
      "{type: http, url: \"http://h/{key}\", headers: {a: {env: TOKEN}, c: \"Bearer ${TOKEN}\"}}"
  ));
  EXPECT_EQ(valid(show(given)), given);
}

}  // namespace
}  // namespace weir::config
