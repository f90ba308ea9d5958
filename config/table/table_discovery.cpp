#include "table/table.hpp"

namespace weir::config {

namespace {

constexpr field static_fields[] = {
    {.name = "peers",
     .type = kind::peers,
     .low = "1",
     .high = "1024",
     .text = "The nodes of the cluster as `id=host:port`. May list this node itself.",
     .needed = presence::required,
     .when = reload::live,
     .member = object_member<&static_discovery::peers>()},
};
constexpr shape static_shape{"static", static_fields};

constexpr field dns_fields[] = {
    {.name = "name",
     .low = "1",
     .high = "253",
     .charset = name_characters,
     .text = "The name that has a record of each node. A short one is looked up in the search "
             "domains of the system.",
     .needed = presence::required,
     .member = scalar_member<&dns_discovery::name>()},
    {.name = "type",
     .type = kind::choice,
     .fallback = "A",
     .choices = "A|AAAA|SRV",
     .text = "Its records: IPv4 addresses, IPv6 addresses, or services with a port each.",
     .member = scalar_member<&dns_discovery::type>()},
    {.name = "port",
     .type = kind::integer,
     .fallback = "7420",
     .low = "1",
     .high = "65535",
     .text = "The peer port of every node. SRV records have their own.",
     .member = scalar_member<&dns_discovery::port>()},
    {.name = "interval",
     .type = kind::duration,
     .fallback = "5s",
     .low = "1s",
     .high = "5s",
     .text = "Longest time between two questions; a shorter TTL shortens it, to 1s at least.",
     .member = scalar_member<&dns_discovery::interval>()},
    {.name = "servers",
     .type = kind::servers,
     .low = "0",
     .high = "8",
     .text = "DNS servers as `ip` or `ip:port`. None = those of the system.",
     .member = object_member<&dns_discovery::servers>()},
};
constexpr shape dns_shape{"dns", dns_fields};

constexpr field nats_fields[] = {
    {.name = "servers",
     .type = kind::texts,
     .low = "1",
     .high = "16",
     .text = "Servers of one NATS cluster as `nats://host:4222`, or `tls://host:4222`, which never "
             "goes on without TLS. One is used at a time; others that it names are tried after "
             "these.",
     .needed = presence::required,
     .member = object_member<&nats_discovery::servers>(),
     .rule = &check_nats_server},
    {.name = "subject",
     .low = "1",
     .high = "128",
     .charset = name_characters,
     .text = "What the nodes publish and subscribe to; the same on all nodes, and nobody else's. "
             "Default: `weir.CLUSTER.peers`.",
     .member = scalar_member<&nats_discovery::subject>(),
     .rule = &check_nats_subject},
    {.name = "user",
     .low = "1",
     .high = "256",
     .text = "User name at the server.",
     .member = scalar_member<&nats_discovery::user>()},
    {.name = "password",
     .type = kind::secret,
     .text = "Password of `user`.",
     .member = object_member<&nats_discovery::password>()},
    {.name = "token",
     .type = kind::secret,
     .text = "Token, for servers that ask for one in place of a user.",
     .member = object_member<&nats_discovery::token>()},
    {.name = "secret",
     .type = kind::secret,
     .low = "16",
     .text = "Signs heartbeats, 16 bytes at least and the same on all nodes; others are not heard. "
             "Clocks may then differ by 30 s. Without it whoever may publish on the subject can "
             "name nodes.",
     .member = object_member<&nats_discovery::secret>()},
    {.name = "ca",
     .low = "1",
     .high = "4096",
     .text = "PEM file with the authorities that the server's certificate may be from; asks for "
             "TLS. Default: those of the system. Read anew at each connection.",
     .member = scalar_member<&nats_discovery::ca>()},
    {.name = "heartbeat",
     .type = kind::duration,
     .fallback = "1s",
     .low = "200ms",
     .high = "10s",
     .text = "Time between two heartbeats; the same on all nodes.",
     .member = scalar_member<&nats_discovery::heartbeat>()},
    {.name = "expire",
     .type = kind::duration,
     .fallback = "5s",
     .low = "600ms",
     .high = "5m",
     .text = "A node that is not heard for so long, while others are, is no candidate any more; 3 "
             "heartbeats at least.",
     .member = scalar_member<&nats_discovery::expire>()},
};
constexpr shape nats_shape{"nats", nats_fields};

constexpr std::string_view kubernetes_characters = "a-z0-9-";
constexpr field kubernetes_fields[] = {
    {.name = "service",
     .low = "1",
     .high = "63",
     .charset = kubernetes_characters,
     .text = "The service whose endpoints are the nodes: headless, with "
             "`publishNotReadyAddresses: true`.",
     .needed = presence::required,
     .member = scalar_member<&kubernetes_discovery::service>(),
     .rule = &check_kubernetes_name},
    {.name = "namespace",
     .low = "1",
     .high = "63",
     .charset = kubernetes_characters,
     .text = "Namespace of the service. Default: that of the pod; outside of one `default`.",
     .member = scalar_member<&kubernetes_discovery::service_namespace>(),
     .rule = &check_kubernetes_name},
    {.name = "port_name",
     .fallback = "peer",
     .low = "1",
     .high = "63",
     .charset = kubernetes_characters,
     .text = "Name of the peer port in the service.",
     .member = scalar_member<&kubernetes_discovery::port_name>()},
    {.name = "port",
     .type = kind::integer,
     .low = "1",
     .high = "65535",
     .text = "The peer port of every node, whatever the service says.",
     .member = scalar_member<&kubernetes_discovery::port>()},
    {.name = "api",
     .low = "1",
     .high = "1024",
     .text = "The API server, as `https://host:port`. Default: that of the pod's cluster, with "
             "`token` and `ca` of the pod's service account.",
     .member = scalar_member<&kubernetes_discovery::api>(),
     .rule = &check_kubernetes_api},
    {.name = "token",
     .type = kind::secret,
     .text = "Bearer token. A file is read anew for every request.",
     .member = object_member<&kubernetes_discovery::token>()},
    path_row<&kubernetes_discovery::ca>(
        "ca",
        "PEM file with the authorities that the API server's certificate may be from. Default "
        "with `api`: those of the system. Read anew at each connection."
    ),
};
constexpr shape kubernetes_shape{"kubernetes", kubernetes_fields};

constexpr field discovery_fields[] = {
    group_row<&discovery_settings::fixed>("static", static_shape, "A fixed list of nodes."),
    group_row<&discovery_settings::dns>("dns", dns_shape, "Every address under a DNS name."),
    group_row<&discovery_settings::nats>(
        "nats", nats_shape, "Every node that publishes heartbeats on a NATS subject."
    ),
    group_row<&discovery_settings::kubernetes>(
        "kubernetes", kubernetes_shape, "Every pod behind a Kubernetes service."
    ),
};

}  // namespace

constinit const shape discovery_shape{"discovery", discovery_fields};

}  // namespace weir::config
