#pragma once

#include <weir/engine/api.hpp>

#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace weir WEIR_API {
namespace config {

using std::chrono::milliseconds;

/// `host:port` as written in the file. An empty host means every interface (`:7420`); IPv6 hosts
/// stand here without brackets. Port 0 asks the system for a free one and occurs only in `listen`.
struct address {
  std::string host;
  std::uint16_t port = 0;

  friend auto operator<=>(const address&, const address&) = default;
};

/// The form that parses back: `127.0.0.1:7421`, `[::]:7420`, `:7420`.
std::string to_string(const address& value);

/// Whether only this machine can reach `value`: 127.0.0.0/8, `::1` or `localhost`.
bool is_loopback(const address& value);

enum class consistency_mode { strict, available };
enum class writes_mode { deny, allow };
enum class eviction_policy { lru };
enum class log_level { debug, info, warn, error };

/// `automatic` is text on a terminal and JSON otherwise.
enum class log_format { automatic, text, json };

struct node_settings {
  /// Stable name of the node; the ring hashes it. nullopt (`auto`) = the host name.
  std::optional<std::string> id;
  std::uint32_t weight = 1;
  /// Address that other nodes dial. nullopt (`auto`) = the interface that reaches them.
  std::optional<address> advertise;
  /// Event loops. nullopt (`auto`) = one per core.
  std::optional<std::uint32_t> threads;
  /// Bytes for all keyspaces together; keyspace_settings::budget is each one's part.
  std::uint64_t max_memory = std::uint64_t{1} << 30;
  /// Bytes of answers that wait for slow readers.
  std::uint64_t max_reply_memory = std::uint64_t{64} << 20;
  milliseconds drain_timeout{25'000};

  friend bool operator==(const node_settings&, const node_settings&) = default;
};

/// One door. `insecure` records that the operator accepts plain text beyond loopback.
struct door_settings {
  config::address address;
  bool insecure = false;
  /// PEM files for TLS, of the HTTP door only; both or none.
  std::optional<std::string> cert, key;

  friend bool operator==(const door_settings&, const door_settings&) = default;
};

/// The peer door is opened only when there is a discovery block.
struct listen_settings {
  door_settings peer{{"", 7420}};
  door_settings http{{"127.0.0.1", 7421}};

  friend bool operator==(const listen_settings&, const listen_settings&) = default;
};

/// PEM files of this node for the peer link. What they hold may change while it runs.
struct tls_settings {
  std::string cert, key, ca;

  friend bool operator==(const tls_settings&, const tls_settings&) = default;
};

struct log_settings {
  log_level level = log_level::info;
  log_format format = log_format::automatic;

  friend bool operator==(const log_settings&, const log_settings&) = default;
};

/// Where a text that may be secret came from. `reference` names the file or the variable;
/// `value` holds the text itself and is never printed.
struct secret_text {
  enum class origin { plain, file, env };

  origin from = origin::plain;
  std::string reference;
  std::string value;
  /// The plain text before `${VAR}` was replaced; what `show` prints. Empty for other origins.
  std::string written;

  friend bool operator==(const secret_text&, const secret_text&) = default;
};

/// `n1=10.0.0.1:7420`: a candidate of the static provider. Ids and addresses are unique.
struct static_peer {
  std::string id;
  config::address address;

  friend bool operator==(const static_peer&, const static_peer&) = default;
};

struct static_discovery {
  /// May list the node itself.
  std::vector<static_peer> peers;

  friend bool operator==(const static_discovery&, const static_discovery&) = default;
};

/// The records of `discovery.dns.type`.
enum class dns_records : std::uint8_t { a, aaaa, srv };

struct dns_discovery {
  std::string name;
  dns_records type = dns_records::a;
  std::uint16_t port = 7420;  ///< of every node; SRV records have their own
  milliseconds interval{5'000};
  std::vector<address> servers;  ///< literal addresses; none = those of the system

  friend bool operator==(const dns_discovery&, const dns_discovery&) = default;
};

struct nats_discovery {
  std::vector<std::string> servers;    ///< `nats://host:4222` or `tls://host:4222`
  std::optional<std::string> subject;  ///< nullopt = `weir.CLUSTER.peers`
  std::optional<std::string> user;
  std::optional<secret_text> password;
  std::optional<secret_text> token;
  std::optional<secret_text> secret;  ///< signs heartbeats
  std::optional<std::string> ca;      ///< PEM file; nullopt = the authorities of the system
  milliseconds heartbeat{1'000};
  milliseconds expire{5'000};

  friend bool operator==(const nats_discovery&, const nats_discovery&) = default;
};

/// Absent fields are filled in from the pod that the node runs in.
struct kubernetes_discovery {
  std::string service;
  std::optional<std::string> service_namespace;  ///< `discovery.kubernetes.namespace`
  std::string port_name = "peer";
  std::optional<std::uint16_t> port;  ///< of every node; nullopt = the one under `port_name`
  std::optional<std::string> api;     ///< `https://host:port`
  std::optional<secret_text> token;   ///< a file is read anew for every request
  std::optional<std::string> ca;      ///< PEM file

  friend bool operator==(const kubernetes_discovery&, const kubernetes_discovery&) = default;
};

/// At most one provider. None = a lone node, and the peer door stays closed.
struct discovery_settings {
  std::optional<static_discovery> fixed;  ///< `discovery.static`
  std::optional<dns_discovery> dns;
  std::optional<nats_discovery> nats;
  std::optional<kubernetes_discovery> kubernetes;

  bool has_provider() const noexcept {
    return fixed.has_value() || dns.has_value() || nats.has_value() || kubernetes.has_value();
  }

  friend bool operator==(const discovery_settings&, const discovery_settings&) = default;
};

struct ring_settings {
  std::uint32_t vnodes = 512;
  /// No node gets more than this multiple of its fair share of the slots.
  double bounded_load = 1.25;

  friend bool operator==(const ring_settings&, const ring_settings&) = default;
};

struct hedge_settings {
  /// How long a read waits for an owner of which nothing is heard, before it asks the gutter node
  /// too. nullopt (`auto`) = twice the p99 of that owner's answers, 20 to 250 ms; 0 = never.
  std::optional<milliseconds> after;
  /// Requests that may be sent to another node too, as a share of those that the peer answers.
  double budget = 0.05;

  friend bool operator==(const hedge_settings&, const hedge_settings&) = default;
};

struct loads_settings {
  std::uint32_t concurrent = 64;
  /// Loads that may wait for a place; callers that join a load do not count. 0 = none waits.
  std::uint32_t queue = 256;
  /// Keys of one call, where the source takes several.
  std::uint32_t batch = 256;
  milliseconds timeout{2'000};

  friend bool operator==(const loads_settings&, const loads_settings&) = default;
};

struct http_header {
  std::string name;
  secret_text value;

  friend bool operator==(const http_header&, const http_header&) = default;
};

/// One bearer token of the HTTP door.
struct token_settings {
  std::string name;
  secret_text secret;
  std::vector<std::string> allow;      ///< of read, write, admin
  std::vector<std::string> keyspaces;  ///< empty = all

  friend bool operator==(const token_settings&, const token_settings&) = default;
};

struct auth_settings {
  /// Without any the HTTP door asks for none.
  std::vector<token_settings> tokens;

  friend bool operator==(const auth_settings&, const auth_settings&) = default;
};

struct http_source {
  /// `http://host[:port]/...` or `https://...` with `{key}` in it.
  std::string url;
  std::vector<http_header> headers;
  milliseconds timeout{2'000};
  /// PEM file of the authorities that an https server is checked against. nullopt = the system's.
  std::optional<std::string> ca;

  friend bool operator==(const http_source&, const http_source&) = default;
};

struct sqlite_source {
  std::string path;
  /// Contains `?1`, to which the key is bound as text.
  std::string query;
  /// Statements that write; without both the file is opened read-only.
  std::optional<std::string> put, erase;
  /// Number of the query's column with the revision. nullopt = the second one, if there are two.
  std::optional<std::uint32_t> revision;

  friend bool operator==(const sqlite_source&, const sqlite_source&) = default;
};

/// A table whose statements weir writes.
struct postgres_table {
  std::string name, key, value;
  std::optional<std::string> revision;  ///< a column, or `xmin`; nullopt = no conditional writes

  friend bool operator==(const postgres_table&, const postgres_table&) = default;
};

/// What `$1` of a query is an array of; `as_stated` where the query itself tells.
enum class postgres_key { as_stated, text, bytea };

/// Reads of a keyspace whose source cannot tell of its changes.
enum class feed_loss { pass, serve };

/// How a PostgreSQL database tells of its changes.
struct postgres_changes {
  std::string listen;  ///< channel
  feed_loss when_lost = feed_loss::pass;

  friend bool operator==(const postgres_changes&, const postgres_changes&) = default;
};

struct postgres_source {
  std::string url;  ///< `postgresql://user@host:port/database`
  std::optional<secret_text> password;
  std::optional<std::string> ca;  ///< PEM file; nullopt = plain text
  bool insecure = false;
  std::uint32_t connections = 8;
  /// Either the table or the statements.
  std::optional<postgres_table> table;
  std::optional<std::string> query, create, update, put, erase;
  postgres_key key = postgres_key::as_stated;
  std::optional<postgres_changes> changes;

  friend bool operator==(const postgres_source&, const postgres_source&) = default;
};

/// How a Redis tells of its changes.
struct redis_changes {
  bool tracking = false;  ///< CLIENT TRACKING; false = it does not
  feed_loss when_lost = feed_loss::pass;

  friend bool operator==(const redis_changes&, const redis_changes&) = default;
};

struct redis_source {
  std::string url;  ///< `redis://user@host:port`, `rediss://...` with TLS
  std::optional<std::string> user;
  std::optional<secret_text> password;
  std::optional<std::string> ca;  ///< PEM file; nullopt = the system's authorities
  bool insecure = false;
  std::uint32_t database = 0;
  std::string prefix;      ///< of all keys in Redis
  milliseconds expire{0};  ///< of what is written; 0 = without end
  std::uint32_t connections = 2;
  std::optional<redis_changes> changes;

  friend bool operator==(const redis_source&, const redis_source&) = default;
};

struct file_source {
  std::string root;
  bool write = false;

  friend bool operator==(const file_source&, const file_source&) = default;
};

/// A source registered from C++ before start; the `weir` program itself cannot serve it.
struct callback_source {
  std::string name;

  friend bool operator==(const callback_source&, const callback_source&) = default;
};

/// monostate only in settings::defaults.
using source_settings = std::variant<
    std::monostate,
    http_source,
    sqlite_source,
    postgres_source,
    redis_source,
    file_source,
    callback_source>;

/// Copies of keys that other nodes own.
struct near_settings {
  std::uint64_t max_memory = 0;

  friend bool operator==(const near_settings&, const near_settings&) = default;
};

struct keyspace_settings {
  std::string name;
  milliseconds ttl{300'000};
  /// Part of a TTL by which it may be shortened at random, 0 to 0.9. Never lengthens.
  double jitter = 0.1;
  /// How long "not found" is remembered; at most ttl. 0 = not at all.
  milliseconds negative_ttl{5'000};
  eviction_policy eviction = eviction_policy::lru;
  consistency_mode consistency = consistency_mode::strict;
  writes_mode writes = writes_mode::deny;
  bool disabled = false;
  std::uint64_t max_entry = std::uint64_t{1} << 20;
  std::uint32_t max_key = 512;
  loads_settings loads;
  /// As written. nullopt = an equal part of what the limits of the others leave.
  std::optional<std::uint64_t> max_memory;
  /// nullopt = no near copies.
  std::optional<near_settings> near;
  /// Bytes this keyspace may use: max_memory, or its share. Filled by load(); 0 in defaults.
  std::uint64_t budget = 0;
  source_settings source;

  friend bool operator==(const keyspace_settings&, const keyspace_settings&) = default;
};

/// A checked configuration: every field has its default filled in and lies in its range.
/// Plain data, free to copy.
struct settings {
  std::string cluster = "weir";
  node_settings node;
  listen_settings listen;
  /// nullopt = the peer link is plain text.
  std::optional<tls_settings> tls;
  auth_settings auth;
  log_settings log;
  discovery_settings discovery;
  ring_settings ring;
  hedge_settings hedge;
  /// Already merged into each keyspace; kept for printing. Name and source are empty.
  keyspace_settings defaults;
  std::vector<keyspace_settings> keyspaces;

  friend bool operator==(const settings&, const settings&) = default;
};

}  // namespace config
}  // namespace weir
