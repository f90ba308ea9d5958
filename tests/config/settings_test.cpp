#include "tests/config/config_support.hpp"

namespace weir::config {
namespace {

using namespace std::chrono_literals;

class SettingsTest : public config_test {};

TEST_F(SettingsTest, TheSmallestUsefulFileIsValid) {
  const auto given = valid(
      "keyspaces: [{name: users, source: {type: http, url: \"http://127.0.0.1:9000/users/{key}\"}}]"
  );
  ASSERT_EQ(given.keyspaces.size(), 1u);
  EXPECT_EQ(given.keyspaces[0].name, "users");
  EXPECT_EQ(given.keyspaces[0].ttl, 5min);
  EXPECT_FALSE(given.discovery.fixed);
}

TEST_F(SettingsTest, ReadsTheNode) {
  const auto node =
      valid(with("node: {id: n1, weight: 3, advertise: \"10.0.0.1:7420\", threads: 2, "
                 "max_memory: 2GiB, drain_timeout: 1m}\n"))
          .node;
  EXPECT_EQ(node.id, "n1");
  EXPECT_EQ(node.weight, 3u);
  EXPECT_EQ(node.advertise, (address{"10.0.0.1", 7420}));
  EXPECT_EQ(node.threads, 2u);
  EXPECT_EQ(node.max_memory, std::uint64_t{2} << 30);
  EXPECT_EQ(node.drain_timeout, 1min);
}

TEST_F(SettingsTest, AutoIsAnAbsentValue) {
  const auto node = valid(with("node: {id: auto, advertise: auto, threads: auto}\n")).node;
  EXPECT_FALSE(node.id);
  EXPECT_FALSE(node.advertise);
  EXPECT_FALSE(node.threads);
}

TEST_F(SettingsTest, ReadsLogAndRing) {
  const auto given =
      valid(with("log: {level: warn, format: json}\nring: {vnodes: 64, bounded_load: 1.5}\n"));
  EXPECT_EQ(given.log.level, log_level::warn);
  EXPECT_EQ(given.log.format, log_format::json);
  EXPECT_EQ(given.ring.vnodes, 64u);
  EXPECT_DOUBLE_EQ(given.ring.bounded_load, 1.5);
}

TEST_F(SettingsTest, WhatComesLaterIsRefusedByName) {
  EXPECT_THAT(
      problems("tracing: {a: b}\nlisten: {resp: {address: \":7379\"}}\n" + with("")),
      ElementsAre(
          HasSubstr("1:1 \"tracing\" is not available in this version"),
          HasSubstr("2:10 listen: \"resp\" is not available in this version")
      )
  );
}

TEST_F(SettingsTest, NearCopiesHaveAMemoryOfTheirOwn) {
  const auto given = valid(keyspace_with("    near: {max_memory: 32MiB}\n"));
  ASSERT_TRUE(given.keyspaces[0].near);
  EXPECT_EQ(given.keyspaces[0].near->max_memory, std::uint64_t{32} << 20);
  EXPECT_FALSE(valid(keyspace_with("")).keyspaces[0].near);
}

TEST_F(SettingsTest, NearCopiesNeedALimit) {
  EXPECT_THAT(problems(keyspace_with("    near: {}\n")), ElementsAre(HasSubstr("max_memory")));
  EXPECT_THAT(
      problems(keyspace_with("    near: {max_memory: 1KiB}\n")), ElementsAre(HasSubstr("too small"))
  );
}

TEST_F(SettingsTest, NearCopiesCountInTheMemoryOfTheNode) {
  EXPECT_THAT(
      problems(
          "node: {max_memory: 48MiB}\n" +
          keyspace_with("    max_memory: 32MiB\n    near: {max_memory: 32MiB}\n")
      ),
      ElementsAre(HasSubstr("near copies included, adds up to 64MiB"))
  );
}

TEST_F(SettingsTest, DefaultsAreMergedIntoEveryKeyspace) {
  const auto given = valid(
      keyspace_with("    ttl: 10s\n") +
      "  - {name: b, source: {type: callback, name: b}}\n"
      "defaults: {ttl: 20s, jitter: 0%, writes: allow, loads: {concurrent: 3}}\n"
  );
  EXPECT_EQ(given.keyspaces[0].ttl, 10s);
  EXPECT_EQ(given.keyspaces[1].ttl, 20s);
  EXPECT_EQ(given.keyspaces[0].jitter, 0);
  EXPECT_EQ(given.keyspaces[1].writes, writes_mode::allow);
  EXPECT_EQ(given.keyspaces[1].loads.concurrent, 3u);
  EXPECT_EQ(given.keyspaces[1].loads.queue, 256u);
}

TEST_F(SettingsTest, AKeyspaceChangesOneLimitOfTheInheritedLoads) {
  const auto given = valid(
      "defaults: {loads: {concurrent: 3, queue: 4}}\n" + keyspace_with("    loads: {queue: 5}\n")
  );
  EXPECT_EQ(given.keyspaces[0].loads.concurrent, 3u);
  EXPECT_EQ(given.keyspaces[0].loads.queue, 5u);
}

TEST_F(SettingsTest, DefaultsTakeNoNameMemoryOrSource) {
  EXPECT_THAT(
      problems("defaults: {name: a, max_memory: 1GiB, source: {}}\n" + with("")),
      ElementsAre(
          HasSubstr("1:12 defaults: unknown key \"name\""),
          HasSubstr("1:21 defaults: unknown key \"max_memory\""),
          HasSubstr("1:39 defaults: unknown key \"source\"")
      )
  );
}

TEST_F(SettingsTest, AMistakeInDefaultsIsReportedOnce) {
  EXPECT_THAT(
      problems(
          "defaults: {ttl: 5}\n" + keyspace_with("") +
          "  - {name: b, source: {type: callback, name: b}}\n"
      ),
      ElementsAre("1:17 defaults.ttl: \"5\" has no unit (write 5s)")
  );
}

TEST_F(SettingsTest, AKeyspaceNeedsNameAndSource) {
  EXPECT_THAT(
      problems("keyspaces:\n  - ttl: 5s\n"),
      ElementsAre(
          "2:5 keyspaces[0]: \"name\" is missing (add name: ...)",
          "2:5 keyspaces[0]: \"source\" is missing (add source: {type: ...})"
      )
  );
}

TEST_F(SettingsTest, AtLeastOneKeyspace) {
  EXPECT_THAT(
      problems("keyspaces: []\n"),
      ElementsAre("1:12 keyspaces: the list is empty (add at least one keyspace)")
  );
}

TEST_F(SettingsTest, KeyspaceNamesAreShortAndPlain) {
  for (const std::string name : {"Users", "a.b", "../x", "a/b", "ä"}) {
    EXPECT_THAT(
        problems("keyspaces: [{name: " + name + ", source: {type: file, root: /}}]\n"),
        ElementsAre(HasSubstr("contains a character that is not allowed (allowed are [a-z0-9_-])"))
    ) << name;
  }
  const std::string longest(64, 'a');
  EXPECT_EQ(
      valid("keyspaces: [{name: " + longest + ", source: {type: file, root: /}}]\n")
          .keyspaces[0]
          .name,
      longest
  );
  EXPECT_THAT(
      problems("keyspaces: [{name: " + longest + "a, source: {type: file, root: /}}]\n"),
      ElementsAre(HasSubstr("has 65 bytes (at most 64)"))
  );
}

TEST_F(SettingsTest, RefusesValuesOutsideTheirRange) {
  EXPECT_THAT(
      problems(
          keyspace_with("    ttl: 31d\n    max_entry: 65MiB\n    max_key: 4097\n    jitter: 91%\n"
                        "    loads: {concurrent: 0, timeout: 0}\n    max_memory: 1B\n")
      ),
      ElementsAre(
          "4:10 keyspaces[0].ttl: \"31d\" is too large (write a value from 0 to 30d)",
          "5:16 keyspaces[0].max_entry: \"65MiB\" is too large (write a value from 1B to 64MiB)",
          "6:14 keyspaces[0].max_key: \"4097\" is too large (write a value from 1 to 4096)",
          "7:13 keyspaces[0].jitter: \"91%\" is too large (write a value from 0% to 90%)",
          "8:25 keyspaces[0].loads.concurrent: \"0\" is too small (write a value from 1 to 10000)",
          "8:37 keyspaces[0].loads.timeout: \"0\" is too small (write a value from 1ms to 10m)",
          "9:17 keyspaces[0].max_memory: \"1B\" is too small (write a value from 1MiB to 64TiB)"
      )
  );
}

TEST_F(SettingsTest, TakesValuesAtTheEndsOfTheirRange) {
  const auto given =
      valid(keyspace_with("    ttl: 30d\n    max_entry: 64MiB\n    max_key: 4096\n    jitter: 90%\n"
      ));
  EXPECT_EQ(given.keyspaces[0].ttl, 720h);
  EXPECT_EQ(given.keyspaces[0].max_entry, std::uint64_t{64} << 20);
}

TEST_F(SettingsTest, RefusesUnknownWordsWithTheChoices) {
  EXPECT_THAT(
      problems(
          keyspace_with("    consistency: eventual\n    writes: alow\n    eviction: w-tinylfu\n")
      ),
      ElementsAre(
          "4:18 keyspaces[0].consistency: \"eventual\" is not possible here (write strict or "
          "available)",
          "5:13 keyspaces[0].writes: \"alow\" is not possible here (did you mean \"allow\"?)",
          "6:15 keyspaces[0].eviction: \"w-tinylfu\" is not possible here (write lru)"
      )
  );
}

TEST_F(SettingsTest, AdvertiseMustBeDialable) {
  for (const std::string text : {":7420", "0.0.0.0:7420", "[::]:7420"}) {
    EXPECT_THAT(
        problems(with("node: {advertise: \"" + text + "\"}\n")),
        ElementsAre(HasSubstr("names no host that others can dial"))
    );
  }
  EXPECT_THAT(
      problems(with("node: {advertise: \"h:0\"}\n")),
      ElementsAre(HasSubstr("port 0 cannot be dialled"))
  );
}

TEST_F(SettingsTest, AListenPortOfZeroAsksForAnyFreePort) {
  EXPECT_EQ(
      valid(with("listen: {http: {address: \"127.0.0.1:0\"}}\n")).listen.http.address.port, 0
  );
}

}  // namespace
}  // namespace weir::config
