#include "table.hpp"

#include <algorithm>
#include <array>

namespace weir::config {

namespace {

constexpr field node_fields[] = {
    {.name = "id",
     .fallback = "auto",
     .low = "1",
     .high = "64",
     .charset = name_characters,
     .text =
         "Stable name of this node; the ring hashes it, not the address, so a restart under the "
         "same id moves no keys. `auto` = the host name.",
     .word = special::automatic,
     .member = scalar_member<&node_settings::id>()},
    {.name = "weight",
     .type = kind::integer,
     .fallback = "1",
     .low = "1",
     .high = "100",
     .text = "Share of the key space relative to other nodes.",
     .member = scalar_member<&node_settings::weight>()},
    {.name = "advertise",
     .type = kind::address,
     .fallback = "auto",
     .text = "Address that other nodes dial. `auto` = the interface that reaches them, with the "
             "port of `listen.peer`.",
     .word = special::automatic,
     .member = scalar_member<&node_settings::advertise>()},
    {.name = "threads",
     .type = kind::integer,
     .fallback = "auto",
     .low = "1",
     .high = "256",
     .text = "Event loops, one thread each. `auto` = one per core.",
     .word = special::automatic,
     .member = scalar_member<&node_settings::threads>()},
    {.name = "max_memory",
     .type = kind::size,
     .fallback = "1GiB",
     .low = "1MiB",
     .high = "64TiB",
     .text = "Memory of all keyspaces of this node. Keyspaces without a limit of their own share "
             "what the others leave equally; limits that add up to more are an error.",
     .member = scalar_member<&node_settings::max_memory>()},
    {.name = "drain_timeout",
     .type = kind::duration,
     .fallback = "25s",
     .low = "0",
     .high = "1h",
     .text = "Longest time from SIGTERM to exit, all phases of draining together.",
     .member = scalar_member<&node_settings::drain_timeout>()},
};
constexpr shape node_shape{"node", node_fields};

constexpr std::array<field, 2> door_fields(std::string_view address, std::string_view who) {
  return {{
      {.name = "address",
       .type = kind::address,
       .fallback = address,
       .text = who,
       .member = scalar_member<&door_settings::address>()},
      {.name = "insecure",
       .type = kind::boolean,
       .fallback = "false",
       .text = "Accepts plain text and no authentication on an address that other machines reach. "
               "Without it such an address is an error.",
       .member = scalar_member<&door_settings::insecure>()},
  }};
}

constexpr auto peer_fields = door_fields(
    ":7420", "Where other nodes are awaited; port 0 = any free port. The default is all interfaces."
);
constexpr later peer_later[] = {{"tls", "is a block of its own: tls: {cert, key, ca} at the top"}};
constexpr shape peer_shape{"peer", peer_fields, peer_later};
constexpr auto http_door_basics =
    door_fields("127.0.0.1:7421", "Where clients are awaited; port 0 = any free port.");
constexpr field http_door_fields[] = {
    http_door_basics[0],
    http_door_basics[1],
    {.name = "cert",
     .low = "1",
     .high = "4096",
     .text = "PEM file with the certificate of this door, then those between it and its authority. "
             "With it the door speaks https only. Replaced files are taken up while the node runs.",
     .member = scalar_member<&door_settings::cert>(),
     .rule = check_path},
    {.name = "key",
     .low = "1",
     .high = "4096",
     .text = "PEM file with its private key, readable by owner and group at most.",
     .member = scalar_member<&door_settings::key>(),
     .rule = check_path},
};
constexpr later http_door_later[] = {{"tls", "is written as cert and key"}};
constexpr shape http_door_shape{"http", http_door_fields, http_door_later};

constexpr field listen_fields[] = {
    {.name = "peer",
     .type = kind::group,
     .text = "The door for other nodes. Opened only when there is a `discovery` block.",
     .member = object_member<&listen_settings::peer>(),
     .rows = &peer_shape},
    {.name = "http",
     .type = kind::group,
     .text = "The door for clients, metrics and the command line.",
     .member = object_member<&listen_settings::http>(),
     .rows = &http_door_shape},
};
constexpr later listen_later[] = {{"resp", unavailable}};
constexpr shape listen_shape{"listen", listen_fields, listen_later};

constexpr field tls_fields[] = {
    {.name = "cert",
     .low = "1",
     .high = "4096",
     .text = "PEM file with the certificate of this node, which has `node.id` as a DNS name, then "
             "those between it and the authority.",
     .needed = presence::required,
     .member = scalar_member<&tls_settings::cert>(),
     .rule = check_path},
    {.name = "key",
     .low = "1",
     .high = "4096",
     .text = "PEM file with its private key, readable by owner and group at most.",
     .needed = presence::required,
     .member = scalar_member<&tls_settings::key>(),
     .rule = check_path},
    {.name = "ca",
     .low = "1",
     .high = "4096",
     .text = "PEM file with the authorities of the cluster, one or more.",
     .needed = presence::required,
     .member = scalar_member<&tls_settings::ca>(),
     .rule = check_path},
};
constexpr shape tls_shape{"tls", tls_fields};

constexpr field token_fields[] = {
    {.name = "name",
     .low = "1",
     .high = "64",
     .charset = name_characters,
     .text = "What the token is called in the log; not secret.",
     .needed = presence::required,
     .when = reload::live,
     .member = scalar_member<&token_settings::name>()},
    {.name = "secret",
     .type = kind::secret,
     .low = "16",
     .text = "The token itself, 16 bytes or more: `{env: NAME}`, `{file: path}` or text.",
     .needed = presence::required,
     .when = reload::live,
     .member = object_member<&token_settings::secret>()},
    {.name = "allow",
     .type = kind::texts,
     .low = "1",
     .high = "3",
     .text = "What it may do: `read`, `write`, `admin`; none includes another.",
     .needed = presence::required,
     .when = reload::live,
     .member = object_member<&token_settings::allow>(),
     .rule = check_right},
    {.name = "keyspaces",
     .type = kind::texts,
     .low = "0",
     .high = "1000",
     .text = "The keyspaces it may read and write. None = all.",
     .when = reload::live,
     .member = object_member<&token_settings::keyspaces>()},
};
constexpr shape token_shape{"tokens", token_fields};

constexpr field auth_fields[] = {
    {.name = "tokens",
     .type = kind::tokens,
     .low = "0",
     .high = "100",
     .text = "Bearer tokens. With any, the HTTP door answers nobody without one, but for "
             "`/livez` and `/readyz`.",
     .when = reload::live,
     .member = object_member<&auth_settings::tokens>(),
     .rows = &token_shape},
};
constexpr shape auth_shape{"auth", auth_fields};

constexpr field log_fields[] = {
    {.name = "level",
     .type = kind::choice,
     .fallback = "info",
     .choices = "debug|info|warn|error",
     .text = "Least important events that are logged.",
     .when = reload::live,
     .member = scalar_member<&log_settings::level>()},
    {.name = "format",
     .type = kind::choice,
     .fallback = "auto",
     .choices = "auto|text|json",
     .text = "`auto` = text on a terminal, JSON otherwise.",
     .member = scalar_member<&log_settings::format>()},
};
constexpr shape log_shape{"log", log_fields};

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
    {.name = "ca",
     .low = "1",
     .high = "4096",
     .text = "PEM file with the authorities that the API server's certificate may be from. Default "
             "with `api`: those of the system. Read anew at each connection.",
     .member = scalar_member<&kubernetes_discovery::ca>(),
     .rule = &check_path},
};
constexpr shape kubernetes_shape{"kubernetes", kubernetes_fields};

constexpr field discovery_fields[] = {
    {.name = "static",
     .type = kind::group,
     .text = "A fixed list of nodes.",
     .member = object_member<&discovery_settings::fixed>(),
     .rows = &static_shape},
    {.name = "dns",
     .type = kind::group,
     .text = "Every address under a DNS name.",
     .member = object_member<&discovery_settings::dns>(),
     .rows = &dns_shape},
    {.name = "nats",
     .type = kind::group,
     .text = "Every node that publishes heartbeats on a NATS subject.",
     .member = object_member<&discovery_settings::nats>(),
     .rows = &nats_shape},
    {.name = "kubernetes",
     .type = kind::group,
     .text = "Every pod behind a Kubernetes service.",
     .member = object_member<&discovery_settings::kubernetes>(),
     .rows = &kubernetes_shape},
};
constexpr shape discovery_shape{"discovery", discovery_fields};

constexpr field ring_fields[] = {
    {.name = "vnodes",
     .type = kind::integer,
     .fallback = "512",
     .low = "1",
     .high = "4096",
     .text = "Points of a node of weight 1 on the ring. Must be the same on all nodes.",
     .member = scalar_member<&ring_settings::vnodes>()},
    {.name = "bounded_load",
     .type = kind::number,
     .fallback = "1.25",
     .low = "1.01",
     .high = "10",
     .text = "No node gets more than this multiple of its fair share of the slots. Must be the "
             "same on all nodes.",
     .member = scalar_member<&ring_settings::bounded_load>()},
};
constexpr shape ring_shape{"ring", ring_fields};

constexpr field root_fields[] = {
    {.name = "cluster",
     .fallback = "weir",
     .low = "1",
     .high = "64",
     .charset = name_characters,
     .text = "Name of the cluster. Nodes of another name are refused.",
     .member = scalar_member<&settings::cluster>()},
    {.name = "node",
     .type = kind::group,
     .text = "This node.",
     .member = object_member<&settings::node>(),
     .rows = &node_shape},
    {.name = "listen",
     .type = kind::group,
     .text = "The doors.",
     .member = object_member<&settings::listen>(),
     .rows = &listen_shape},
    {.name = "tls",
     .type = kind::group,
     .text = "Mutual TLS 1.3 between nodes. Without it the peer link is plain text.",
     .member = object_member<&settings::tls>(),
     .rows = &tls_shape},
    {.name = "auth",
     .type = kind::group,
     .text = "Who may use the HTTP door.",
     .member = object_member<&settings::auth>(),
     .rows = &auth_shape},
    {.name = "log",
     .type = kind::group,
     .text = "What is logged, and how.",
     .member = object_member<&settings::log>(),
     .rows = &log_shape},
    {.name = "discovery",
     .type = kind::group,
     .text = "How nodes find each other: at most one provider. Without it the node is alone.",
     .member = object_member<&settings::discovery>(),
     .rows = &discovery_shape},
    {.name = "ring",
     .type = kind::group,
     .text = "How keys are spread over the nodes.",
     .member = object_member<&settings::ring>(),
     .rows = &ring_shape},
    {.name = "defaults",
     .type = kind::group,
     .text = "Merged into every keyspace; what a keyspace says itself wins.",
     .when = reload::live,
     .member = object_member<&settings::defaults>(),
     .rows = &defaults_shape},
    {.name = "keyspaces",
     .type = kind::list,
     .low = "1",
     .high = "1000",
     .text = "The caches this node serves.",
     .needed = presence::required,
     .when = reload::live,
     .member = object_member<&settings::keyspaces>(),
     .rows = &keyspace_shape},
};
constexpr later root_later[] = {{"tracing", unavailable}, {"admin", unavailable}};
constexpr shape root_shape{"settings", root_fields, root_later};

}  // namespace

const field* shape::find(std::string_view name) const {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const field& each) {
    return each.name == name && has(each);
  });
  return found == fields.end() ? nullptr : &*found;
}

const shape& settings_shape() {
  return root_shape;
}

}  // namespace weir::config
