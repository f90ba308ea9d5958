#include "tests/config/config_support.hpp"

namespace weir::config {
namespace {

using namespace std::chrono_literals;

class DiscoveryTest : public config_test {};

TEST_F(DiscoveryTest, ReadsStaticPeers) {
  const auto given =
      valid(with("listen: {peer: {address: \"127.0.0.1:7420\"}}\n"
                 "discovery: {static: {peers: [\"n1=10.0.0.1:7420\", \"n2=[::1]:7420\"]}}\n"));
  ASSERT_TRUE(given.discovery.fixed);
  EXPECT_THAT(
      given.discovery.fixed->peers,
      ElementsAre(static_peer{"n1", {"10.0.0.1", 7420}}, static_peer{"n2", {"::1", 7420}})
  );
}

TEST_F(DiscoveryTest, RefusesPeersWithoutIdOrAddress) {
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

TEST_F(DiscoveryTest, RefusesAnEmptyPeerList) {
  EXPECT_THAT(
      problems(with("listen: {peer: {address: \"127.0.0.1:0\"}}\n"
                    "discovery: {static: {peers: []}}\n")),
      ElementsAre(HasSubstr("discovery.static.peers: the list is empty"))
  );
}

const char* const door = "listen: {peer: {address: \"127.0.0.1:7420\"}}\n";

TEST_F(DiscoveryTest, ReadsDns) {
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

TEST_F(DiscoveryTest, DnsNeedsOnlyAName) {
  const auto given = valid(with(std::string(door) + "discovery: {dns: {name: weir}}\n"));
  EXPECT_EQ(*given.discovery.dns, dns_discovery{.name = "weir"});
}

TEST_F(DiscoveryTest, RefusesDnsItCannotUse) {
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

TEST_F(DiscoveryTest, RefusesTwoProviders) {
  EXPECT_THAT(
      problems(with(
          std::string(door) + "discovery: {static: {peers: [\"n1=h:1\"]}, dns: {name: weir}}\n"
      )),
      ElementsAre(HasSubstr("static and dns are both given (keep one of them)"))
  );
}

TEST_F(DiscoveryTest, ReadsKubernetes) {
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

TEST_F(DiscoveryTest, KubernetesNeedsOnlyAService) {
  const auto given = valid(with(std::string(door) + "discovery: {kubernetes: {service: weir}}\n"));
  EXPECT_EQ(*given.discovery.kubernetes, kubernetes_discovery{.service = "weir"});
}

TEST_F(DiscoveryTest, RefusesKubernetesItCannotUse) {
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

TEST_F(DiscoveryTest, RefusesATokenOverPlainText) {
  const auto by = [](const std::string& rest) {
    return with(
        std::string(door) + "discovery: {kubernetes: {service: a, api: \"http://127.0.0.1:8001\"" +
        rest + "}}\n"
    );
  };
  EXPECT_THAT(problems(by(", token: abc")), ElementsAre(HasSubstr("would go over plain text")));
  EXPECT_TRUE(valid(by("")).discovery.kubernetes);
}
}  // namespace
}  // namespace weir::config
