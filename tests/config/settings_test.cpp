#include "config/decode/decode.hpp"
#include "config/print/render.hpp"
#include "config/table/table.hpp"
#include "tests/config/config_support.hpp"

namespace weir::config {
namespace {

using namespace std::chrono_literals;

class SettingsTest : public config_test {};

/// Compares the default that the table promises with the one that the structs have.
void expect_defaults(const shape& rows, const void* object, const std::string& path) {
  for (const auto& row : rows.fields) {
    const std::string name = path + std::string(row.name);
    if (row.type == kind::group) {
      const void* member = row.member.peek(object);
      if (member != nullptr) expect_defaults(*row.rows, member, name + ".");
    } else if (!row.fallback.empty()) {
      EXPECT_EQ(*parse_value(row, row.fallback), row.member.get(object)) << name;
    }
  }
}

TEST_F(SettingsTest, TheTableAndTheStructsAgreeOnDefaults) {
  const settings defaults;
  expect_defaults(settings_shape(), &defaults, "");
  const keyspace_settings keyspace;
  expect_defaults(keyspace_shape, &keyspace, "keyspaces[].");
  const dns_discovery dns;
  expect_defaults(*settings_shape().find("discovery")->rows->find("dns")->rows, &dns, "dns.");
  const http_source http;
  for (const auto& each : keyspace_shape.find("source")->alternatives) {
    if (each.type == "http") expect_defaults(*each.rows, &http, "http.");
  }
}

/// Each default and bound of the table must itself be a valid value.
void expect_bounds(const shape& rows) {
  for (const auto& row : rows.fields) {
    if (row.rows != nullptr) expect_bounds(*row.rows);
    for (const auto& each : row.alternatives) expect_bounds(*each.rows);
    if (row.type > kind::choice || row.type == kind::text) continue;
    for (const auto text : {row.fallback, row.low, row.high}) {
      EXPECT_TRUE(text.empty() || decode_text(row, text)) << row.name << " " << text;
    }
  }
}

TEST_F(SettingsTest, TheBoundsOfTheTableAreValid) {
  expect_bounds(settings_shape());
}

TEST_F(SettingsTest, EveryRowHasAText) {
  const auto check = [](const auto& self, const shape& rows) -> void {
    for (const auto& row : rows.fields) {
      EXPECT_FALSE(row.text.empty()) << rows.name << "." << row.name;
      if (row.rows != nullptr) self(self, *row.rows);
      for (const auto& each : row.alternatives) self(self, *each.rows);
    }
  };
  check(check, settings_shape());
}

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

TEST_F(SettingsTest, ReadsStaticPeers) {
  const auto given =
      valid(with("listen: {peer: {address: \"127.0.0.1:7420\"}}\n"
                 "discovery: {static: {peers: [\"n1=10.0.0.1:7420\", \"n2=[::1]:7420\"]}}\n"));
  ASSERT_TRUE(given.discovery.fixed);
  EXPECT_THAT(
      given.discovery.fixed->peers,
      ElementsAre(static_peer{"n1", {"10.0.0.1", 7420}}, static_peer{"n2", {"::1", 7420}})
  );
}

TEST_F(SettingsTest, RefusesPeersWithoutIdOrAddress) {
  EXPECT_THAT(
      problems(with("listen: {peer: {address: \"127.0.0.1:0\"}}\n"
                    "discovery:\n  static:\n    peers:\n"
                    "    - 10.0.0.1:7420\n    - n1=:7420\n    - n2=h:0\n    - a b=h:1\n"
                    "    - n3=h:1\n    - n3=h:2\n    - n4=h:1\n    - auto=h:3\n")),
      ElementsAre(
          "6:7 discovery.static.peers[0]: \"10.0.0.1:7420\" names no node id (write id=host:port)",
          "7:7 discovery.static.peers[1]: \"n1=:7420\" has no address to dial (write id=host:port)",
          "8:7 discovery.static.peers[2]: \"n2=h:0\" has no address to dial (write id=host:port)",
          HasSubstr("9:7 discovery.static.peers[3]: \"a b\" contains a character"),
          "11:7 discovery.static.peers[5]: the id \"n3\" is listed twice (remove one)",
          "12:7 discovery.static.peers[6]: the address \"h:1\" is listed twice (remove one)",
          "13:7 discovery.static.peers[7]: \"auto\" cannot be the id of a peer (write its node.id)"
      )
  );
}

TEST_F(SettingsTest, RefusesAnEmptyPeerList) {
  EXPECT_THAT(
      problems(with("listen: {peer: {address: \"127.0.0.1:0\"}}\n"
                    "discovery: {static: {peers: []}}\n")),
      ElementsAre(HasSubstr("discovery.static.peers: the list is empty"))
  );
}

const char* const door = "listen: {peer: {address: \"127.0.0.1:7420\"}}\n";

TEST_F(SettingsTest, ReadsDns) {
  const auto given =
      valid(with(
          std::string(door) + "discovery: {dns: {name: _peer._tcp.weir.test, type: SRV, interval: "
                              "2s, servers: [10.0.0.2, \"[fd00::2]:5353\"]}}\n"
      ));
  ASSERT_TRUE(given.discovery.dns);
  EXPECT_TRUE(given.discovery.has_provider());
  const dns_discovery wanted{
      .name = "_peer._tcp.weir.test",
      .type = dns_records::srv,
      .port = 7420,
      .interval = milliseconds(2'000),
      .servers = {{"10.0.0.2", 53}, {"fd00::2", 5353}}};
  EXPECT_EQ(*given.discovery.dns, wanted);
}

TEST_F(SettingsTest, DnsNeedsOnlyAName) {
  const auto given = valid(with(std::string(door) + "discovery: {dns: {name: weir}}\n"));
  EXPECT_EQ(*given.discovery.dns, dns_discovery{.name = "weir"});
}

TEST_F(SettingsTest, RefusesDnsItCannotUse) {
  EXPECT_THAT(
      problems(with(
          std::string(door) + "discovery:\n  dns:\n    type: MX\n    port: 0\n"
                              "    interval: 500ms\n    servers: [dns.test, "
                              "\"1.2.3.4:0\", 10.0.0.2, \"10.0.0.2:53\"]\n"
      )),
      ElementsAre(
          HasSubstr("discovery.dns: \"name\" is missing"),
          HasSubstr("discovery.dns.type: \"MX\" is not possible here"),
          HasSubstr("discovery.dns.port: \"0\" is too small"),
          HasSubstr("discovery.dns.interval: \"500ms\" is too small"),
          HasSubstr("discovery.dns.servers[0]: \"dns.test\" is not the address of a server"),
          HasSubstr("discovery.dns.servers[1]: \"1.2.3.4:0\" is not the address of a server"),
          HasSubstr("discovery.dns.servers[3]: \"10.0.0.2:53\" is listed twice")
      )
  );
}

TEST_F(SettingsTest, RefusesTwoProviders) {
  EXPECT_THAT(
      problems(with(
          std::string(door) + "discovery: {static: {peers: [\"n1=h:1\"]}, dns: {name: weir}}\n"
      )),
      ElementsAre(HasSubstr("static and dns are both given (keep one of them)"))
  );
}

TEST_F(SettingsTest, ReadsKubernetes) {
  const auto given = valid(with(
      std::string(door) +
      "discovery:\n  kubernetes:\n    service: weir-peers\n    namespace: demo\n"
      "    port_name: link\n    port: 7\n    api: https://10.0.0.1:6443\n    token: abc\n"
      "    ca: ca.crt\n"
  ));
  ASSERT_TRUE(given.discovery.kubernetes);
  kubernetes_discovery wanted{
      .service = "weir-peers",
      .service_namespace = "demo",
      .port_name = "link",
      .port = 7,
      .api = "https://10.0.0.1:6443",
      .token = secret_text{.value = "abc"},
      .ca = "ca.crt",
  };
  wanted.token->written = given.discovery.kubernetes->token->written;
  EXPECT_EQ(*given.discovery.kubernetes, wanted);
}

TEST_F(SettingsTest, KubernetesNeedsOnlyAService) {
  const auto given = valid(with(std::string(door) + "discovery: {kubernetes: {service: weir}}\n"));
  EXPECT_EQ(*given.discovery.kubernetes, kubernetes_discovery{.service = "weir"});
}

TEST_F(SettingsTest, RefusesKubernetesItCannotUse) {
  EXPECT_THAT(
      problems(with(
          std::string(door) + "discovery:\n  kubernetes:\n    namespace: \"-a\"\n    port: 0\n"
                              "    api: 10.0.0.1:6443\n    port_name: Peer\n"
      )),
      testing::UnorderedElementsAre(
          HasSubstr("discovery.kubernetes: \"service\" is missing"),
          HasSubstr("discovery.kubernetes.namespace: \"-a\" begins or ends with a dash"),
          HasSubstr("discovery.kubernetes.port: \"0\" is too small"),
          HasSubstr("discovery.kubernetes.api: \"10.0.0.1:6443\" is not the URL of an API server"),
          HasSubstr("discovery.kubernetes.port_name: \"Peer\"")
      )
  );
  for (const std::string api :
       {"https://", "https://h:0", "https://a@h", "https://h?x", "ftp://h"}) {
    EXPECT_THAT(
        problems(with(
            std::string(door) + "discovery: {kubernetes: {service: a, api: \"" + api + "\"}}\n"
        )),
        ElementsAre(HasSubstr("discovery.kubernetes.api"))
    ) << api;
  }
}

TEST_F(SettingsTest, RefusesATokenOverPlainText) {
  const auto by = [](const std::string& rest) {
    return with(
        std::string(door) + "discovery: {kubernetes: {service: a, api: \"http://127.0.0.1:8001\"" +
        rest + "}}\n"
    );
  };
  EXPECT_THAT(problems(by(", token: abc")), ElementsAre(HasSubstr("would go over plain text")));
  EXPECT_TRUE(valid(by("")).discovery.kubernetes);
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
