#include "tests/config/config_support.hpp"

namespace weir::config {
namespace {

using namespace std::chrono_literals;

class CheckTest : public config_test {};

const char* const peers = "discovery: {static: {peers: [\"n1=10.0.0.1:7420\"]}}\n";

TEST_F(CheckTest, APlainPeerDoorBeyondLoopbackNeedsInsecure) {
  EXPECT_THAT(
      problems(with("listen: {peer: {address: \"10.0.0.1:7420\"}}\n" + std::string(peers))),
      ElementsAre(
          "2:26 listen.peer.address: 10.0.0.1:7420 accepts plain text from other machines (set up "
          "tls, or add insecure: true to listen.peer if the network is trusted, or listen on "
          "127.0.0.1)"
      )
  );
}

TEST_F(CheckTest, TheDefaultPeerDoorNeedsInsecureToo) {
  EXPECT_THAT(
      problems(with(peers)),
      ElementsAre(HasSubstr("2:12 listen.peer.address: the default, :7420, accepts plain text"))
  );
}

TEST_F(CheckTest, StatementsThatNobodyMayRunAreWarnedOf) {
  const std::string source =
      "    source: {type: sqlite, path: a.db, query: \"SELECT v FROM t WHERE k = ?1\", put: x}\n";
  const std::string text = "keyspaces:\n  - name: users\n" + source;
  const auto loaded = load_yaml(text);
  EXPECT_TRUE(loaded.settings);
  ASSERT_EQ(loaded.problems.size(), 1u);
  EXPECT_EQ(loaded.problems[0].level, severity::warning);
  EXPECT_THAT(
      problems(text),
      ElementsAre(HasSubstr("keyspaces[0].source.put: nobody may write, so that put is never run"))
  );
  EXPECT_THAT(problems(text + "    writes: allow\n"), IsEmpty());
}

TEST_F(CheckTest, AnEmptyFileIsShownALineToAdd) {
  for (const char* text : {"", "# nothing yet\n"}) {
    EXPECT_THAT(
        problems(text), ElementsAre(HasSubstr("add keyspaces: [{name: users, source: {type: http,"))
    ) << text;
  }
}

TEST_F(CheckTest, InsecureOpensThePeerDoor) {
  const auto given = valid(with("listen: {peer: {insecure: true}}\n" + std::string(peers)));
  EXPECT_TRUE(given.listen.peer.insecure);
  EXPECT_EQ(given.listen.peer.address, (address{"", 7420}));
}

TEST_F(CheckTest, WithoutDiscoveryThePeerDoorStaysClosed) {
  EXPECT_FALSE(valid(with("listen: {peer: {address: \":7420\"}}\n")).discovery.fixed);
}

TEST_F(CheckTest, AnHttpDoorBeyondLoopbackNeedsInsecure) {
  EXPECT_THAT(
      problems(with("listen: {http: {address: \":7421\"}}\n")),
      ElementsAre(HasSubstr("2:26 listen.http.address: :7421 accepts plain text"))
  );
  EXPECT_TRUE(
      valid(with("listen: {http: {address: \":7421\", insecure: true}}\n")).listen.http.insecure
  );
}

TEST_F(CheckTest, LoopbackNeedsNothing) {
  for (const std::string text : {"127.0.0.1:1", "[::1]:1", "localhost:1", "127.0.0.2:1"}) {
    valid(with("listen: {http: {address: \"" + text + "\"}}\n"));
  }
}

TEST_F(CheckTest, DoorsHaveDifferentPorts) {
  EXPECT_THAT(
      problems(with("listen:\n  peer: {address: \":7421\", insecure: true}\n" + std::string(peers))
      ),
      ElementsAre(
          "3:3 listen.http.address: 127.0.0.1:7421 is also the port of listen.peer (give each door "
          "its own port)"
      )
  );
}

TEST_F(CheckTest, KeyspaceLimitsMayNotExceedTheNode) {
  EXPECT_THAT(
      problems("node: {max_memory: 100MiB}\nkeyspaces:\n"
               "  - {name: a, max_memory: 60MiB, source: {type: file, root: /}}\n"
               "  - {name: b, max_memory: 60MiB, source: {type: file, root: /}}\n"),
      ElementsAre("3:3 keyspaces: the max_memory of all keyspaces, near copies included, adds up "
                  "to 120MiB, node.max_memory is "
                  "100MiB (raise node.max_memory, or lower a limit)")
  );
}

TEST_F(CheckTest, KeyspacesWithoutALimitShareTheRestEqually) {
  const auto given = valid(
      "node: {max_memory: 100MiB}\nkeyspaces:\n"
      "  - {name: a, max_memory: 60MiB, source: {type: file, root: /}}\n"
      "  - {name: b, source: {type: file, root: /}}\n"
      "  - {name: c, source: {type: file, root: /}}\n"
  );
  EXPECT_EQ(given.keyspaces[0].budget, std::uint64_t{60} << 20);
  EXPECT_EQ(given.keyspaces[1].budget, std::uint64_t{20} << 20);
  EXPECT_EQ(given.keyspaces[2].budget, std::uint64_t{20} << 20);
}

TEST_F(CheckTest, AShareHasAtLeastOneMebibyte) {
  EXPECT_THAT(
      problems("node: {max_memory: 60MiB}\nkeyspaces:\n"
               "  - {name: a, max_memory: 60MiB, source: {type: file, root: /}}\n"
               "  - {name: b, source: {type: file, root: /}}\n"),
      ElementsAre(HasSubstr("keyspaces without max_memory would get 0 each, less than 1MiB"))
  );
}

TEST_F(CheckTest, KeyspaceNamesAreUnique) {
  EXPECT_THAT(
      problems("keyspaces:\n"
               "  - {name: a, source: {type: file, root: /}}\n"
               "  - {name: a, source: {type: file, root: /}}\n"),
      ElementsAre(
          "3:12 keyspaces[1].name: the name \"a\" is already that of keyspaces[0] (give it another "
          "name)"
      )
  );
}

TEST_F(CheckTest, ANegativeTtlIsAtMostTheTtl) {
  EXPECT_THAT(
      problems(keyspace_with("    ttl: 10s\n    negative_ttl: 11s\n")),
      ElementsAre("5:19 keyspaces[0].negative_ttl: 11s is longer than ttl, 10s (write 10s or less)")
  );
  EXPECT_EQ(
      valid(keyspace_with("    ttl: 10s\n    negative_ttl: 10s\n")).keyspaces[0].negative_ttl, 10s
  );
}

TEST_F(CheckTest, AnInheritedNegativeTtlIsShortened) {
  EXPECT_EQ(valid(keyspace_with("    ttl: 1s\n")).keyspaces[0].negative_ttl, 1s);
}

TEST_F(CheckTest, TheDefaultsObeyTheSameRule) {
  EXPECT_THAT(
      problems("defaults: {ttl: 1s, negative_ttl: 2s}\n" + with("")),
      ElementsAre(HasSubstr("1:35 defaults.negative_ttl: 2s is longer than ttl, 1s"))
  );
}

TEST_F(CheckTest, AnEntryFitsIntoItsKeyspace) {
  EXPECT_THAT(
      problems(keyspace_with("    max_memory: 1MiB\n    max_entry: 2MiB\n")),
      ElementsAre(HasSubstr("5:16 keyspaces[0].max_entry: 2MiB is more than max_memory, 1MiB"))
  );
}

TEST_F(CheckTest, OneMistakeIsNotReportedTwice) {
  EXPECT_THAT(
      problems(keyspace_with("    ttl: 1\n    negative_ttl: 9m\n    max_memory: 9TB\n")),
      ElementsAre(HasSubstr("keyspaces[0].ttl"))
  );
}

}  // namespace
}  // namespace weir::config
