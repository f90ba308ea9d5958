// A choice is the place of its word in the table: each word means the enumerator of its name.
#include "tests/config/config_support.hpp"

namespace weir::config {
namespace {

class ChoicesTest : public config_test {
 protected:
  settings with_keyspace(const std::string& line) {
    return valid("keyspaces:\n  - {name: a, " + line + ", source: {type: file, root: /}}\n");
  }

  settings with_log(const std::string& line) {
    return valid("log: {" + line + "}\nkeyspaces: [{name: a, source: {type: file, root: /}}]\n");
  }
};

TEST_F(ChoicesTest, OfAKeyspace) {
  const auto first = [](const settings& of) { return of.keyspaces.at(0); };
  EXPECT_EQ(first(with_keyspace("consistency: strict")).consistency, consistency_mode::strict);
  EXPECT_EQ(
      first(with_keyspace("consistency: available")).consistency, consistency_mode::available
  );
  EXPECT_EQ(first(with_keyspace("writes: deny")).writes, writes_mode::deny);
  EXPECT_EQ(first(with_keyspace("writes: allow")).writes, writes_mode::allow);
  EXPECT_EQ(first(with_keyspace("eviction: lru")).eviction, eviction_policy::lru);
}

TEST_F(ChoicesTest, OfTheLog) {
  EXPECT_EQ(with_log("level: debug").log.level, log_level::debug);
  EXPECT_EQ(with_log("level: info").log.level, log_level::info);
  EXPECT_EQ(with_log("level: warn").log.level, log_level::warn);
  EXPECT_EQ(with_log("level: error").log.level, log_level::error);
  EXPECT_EQ(with_log("format: auto").log.format, log_format::automatic);
  EXPECT_EQ(with_log("format: text").log.format, log_format::text);
  EXPECT_EQ(with_log("format: json").log.format, log_format::json);
}

TEST_F(ChoicesTest, OfDns) {
  const auto records = [this](const std::string& word) {
    const auto given = valid(
        "listen: {peer: {insecure: true}}\n"
        "discovery: {dns: {name: weir.test, type: " +
        word + "}}\n" + "keyspaces: [{name: a, source: {type: file, root: /}}]\n"
    );
    return given.discovery.dns.value().type;
  };
  EXPECT_EQ(records("A"), dns_records::a);
  EXPECT_EQ(records("AAAA"), dns_records::aaaa);
  EXPECT_EQ(records("SRV"), dns_records::srv);
}

}  // namespace
}  // namespace weir::config
