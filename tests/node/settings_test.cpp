#include <weir/config/load.hpp>
#include <weir/discovery/dns_provider.hpp>
#include <weir/discovery/kubernetes_provider.hpp>
#include <weir/node/from_settings.hpp>

#include <gtest/gtest.h>

#include <stdexcept>

namespace weir {
namespace {

config::settings settings_of(std::string_view text) {
  auto loaded = config::load_text("weir.yaml", text, {}, config::process_outside());
  EXPECT_TRUE(loaded.settings) << config::format_problems(loaded.problems);
  return *loaded.settings;
}

constexpr auto cluster = R"(
cluster: demo
node: {id: n1, weight: 3, threads: 2, advertise: "10.0.0.1:7420"}
listen:
  peer: {address: ":7420", insecure: true}
  http: {address: "127.0.0.1:0"}
discovery: {static: {peers: ["n1=10.0.0.1:7420", "n2=10.0.0.2:7420"]}}
ring: {vnodes: 64, bounded_load: 1.5}
keyspaces:
  - name: users
    ttl: 60s
    jitter: 20%
    negative_ttl: 1s
    max_memory: 8MiB
    max_entry: 2MiB
    max_key: 100
    consistency: available
    writes: allow
    loads: {concurrent: 3, queue: 4, timeout: 5s}
    source: {type: callback, name: load_user}
)";

TEST(OptionsFromSettings, MapEveryFieldOfTheNode) {
  const auto options = options_from(settings_of(cluster));
  EXPECT_EQ(options.cluster, "demo");
  EXPECT_EQ(options.id, "n1");
  EXPECT_EQ(options.weight, 3u);
  EXPECT_EQ(options.peer_address, ":7420");
  EXPECT_EQ(options.http_address, "127.0.0.1:0");
  EXPECT_EQ(options.advertise, "10.0.0.1:7420");
  EXPECT_EQ(options.ring, (ring_settings{.vnodes = 64, .bounded_load = 1.5}));
  EXPECT_EQ(options.runtime.threads, 2u);
  EXPECT_NE(options.discovery, nullptr);
}

TEST(OptionsFromSettings, MapEveryFieldOfAKeyspace) {
  const auto options = options_from(settings_of(cluster).keyspaces.at(0));
  EXPECT_EQ(options.name, "users");
  EXPECT_EQ(options.ttl, milliseconds(60'000));
  EXPECT_DOUBLE_EQ(options.jitter, 0.2);
  EXPECT_EQ(options.negative_ttl, milliseconds(1000));
  EXPECT_EQ(options.max_memory, 8u << 20);
  EXPECT_EQ(options.max_entry, 2u << 20);
  EXPECT_EQ(options.max_key, 100u);
  EXPECT_EQ(options.consistency, consistency::available);
  EXPECT_EQ(options.writes, writes::allow);
  EXPECT_EQ(options.loads.concurrent, 3u);
  EXPECT_EQ(options.loads.queue, 4u);
  EXPECT_EQ(options.loads.timeout, milliseconds(5000));
}

TEST(OptionsFromSettings, MakeADnsProviderOfEveryField) {
  const auto options = options_from(settings_of(R"(
listen: {peer: {address: "127.0.0.1:7420"}}
discovery: {dns: {name: weir, type: AAAA, port: 1, interval: 1s, servers: ["::1", "127.0.0.1:5353"]}}
keyspaces: [{name: a, source: {type: file, root: /}}]
)"));
  EXPECT_EQ(options.peer_address, "127.0.0.1:7420");
  const auto made = std::dynamic_pointer_cast<dns_provider>(options.discovery);
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->options().name, "weir");
  EXPECT_EQ(made->options().type, dns_records::aaaa);
  EXPECT_EQ(made->options().port, 1);
  EXPECT_EQ(made->options().interval, milliseconds(1'000));
  EXPECT_EQ(made->options().servers, "[::1]:53,127.0.0.1:5353");
}

TEST(OptionsFromSettings, MakeAKubernetesProviderOfEveryField) {
  const auto options = options_from(settings_of(R"(
listen: {peer: {address: "127.0.0.1:7420"}}
discovery:
  kubernetes: {service: weir, namespace: demo, port_name: link, port: 1, api: "https://h:6443", token: abc, ca: ca.crt}
keyspaces: [{name: a, source: {type: file, root: /}}]
)"));
  const auto made = std::dynamic_pointer_cast<kubernetes_provider>(options.discovery);
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->options().service, "weir");
  EXPECT_EQ(made->options().service_namespace, "demo");
  EXPECT_EQ(made->options().port_name, "link");
  EXPECT_EQ(made->options().port, 1);
  EXPECT_EQ(made->options().api, "https://h:6443");
  EXPECT_EQ(made->options().token, "abc");
  EXPECT_EQ(made->options().ca_file, "ca.crt");
}

TEST(OptionsFromSettings, AKubernetesTokenInAFileIsLeftThere) {
  const auto options = options_from(settings_of(R"(
listen: {peer: {address: "127.0.0.1:7420"}}
discovery: {kubernetes: {service: weir, api: "https://h", token: {file: /etc/hostname}}}
keyspaces: [{name: a, source: {type: file, root: /}}]
)"));
  const auto made = std::dynamic_pointer_cast<kubernetes_provider>(options.discovery);
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->options().token, "");
  EXPECT_EQ(made->options().token_file, "/etc/hostname");
}

TEST(OptionsFromSettings, KeepThePeerDoorClosedWithoutDiscovery) {
  const auto options =
      options_from(settings_of("keyspaces: [{name: a, source: {type: file, root: /}}]"));
  EXPECT_EQ(options.peer_address, "");
  EXPECT_EQ(options.discovery, nullptr);
}

TEST(NodeFromSettings, ServesARegisteredCallback) {
  auto settings =
      settings_of("keyspaces: [{name: users, source: {type: callback, name: load_user}}]");
  const auto load = [](std::string_view key) -> result<bytes> {
    return bytes("user " + std::string(key));
  };
  const auto source = make_source(std::function<result<bytes>(std::string_view)>(load));
  const auto made = node_from_settings(settings, {{"load_user", source}});
  EXPECT_EQ(made->find_keyspace("users").get("42").value().text(), "user 42");
}

TEST(NodeFromSettings, NamesTheKeyspaceWhoseSourceCannotBeUsed) {
  const auto fails_with = [](std::string_view yaml, std::string_view text) {
    try {
      node_from_settings(settings_of(yaml));
      ADD_FAILURE() << "no exception";
    } catch (const std::invalid_argument& wrong) {
      EXPECT_NE(std::string_view(wrong.what()).find(text), std::string_view::npos) << wrong.what();
    }
  };
  fails_with(
      "keyspaces: [{name: prices, source: {type: callback, name: p}}]",
      "keyspace \"prices\": no callback named \"p\""
  );
  fails_with(
      "keyspaces: [{name: pages, source: {type: file, root: /no/such/folder}}]",
      "keyspace \"pages\": "
  );
}

}  // namespace
}  // namespace weir
