#include "check_sources.hpp"

#include <weir/discovery/dns_provider.hpp>
#include <weir/discovery/kubernetes_provider.hpp>
#include <weir/discovery/nats_provider.hpp>
#include <weir/discovery/static_provider.hpp>
#include <weir/keyspaces/make_sources.hpp>
#include <weir/node/from_settings.hpp>
#include <weir/transport/http_client.hpp>

#include <stdexcept>
#include <variant>

namespace weir {
namespace {

std::vector<candidate> candidates_of(const config::static_discovery& fixed) {
  std::vector<candidate> out;
  for (const auto& each : fixed.peers) out.push_back({each.id, config::to_string(each.address)});
  return out;
}

dns_records records_of(config::dns_records type) noexcept {
  switch (type) {
    case config::dns_records::a:
      return dns_records::a;
    case config::dns_records::aaaa:
      return dns_records::aaaa;
    case config::dns_records::srv:
      return dns_records::srv;
  }
  return dns_records::a;
}

std::shared_ptr<provider> provider_from(const config::dns_discovery& settings) {
  dns_options made{
      .name = settings.name,
      .type = records_of(settings.type),
      .port = settings.port,
      .interval = settings.interval,
  };
  for (const auto& each : settings.servers) {
    made.servers += (made.servers.empty() ? "" : ",") + config::to_string(each);
  }
  return std::make_shared<dns_provider>(std::move(made));
}

std::shared_ptr<provider> provider_from(
    const config::nats_discovery& settings, const std::string& cluster
) {
  const auto text_of = [](const auto& secret) { return secret ? secret->value : std::string(); };
  return std::make_shared<nats_provider>(nats_options{
      .servers = settings.servers,
      .subject = settings.subject.value_or("weir." + cluster + ".peers"),
      .user = settings.user.value_or(""),
      .password = text_of(settings.password),
      .token = text_of(settings.token),
      .ca = settings.ca.value_or(""),
      .secret = text_of(settings.secret),
      .heartbeat = settings.heartbeat,
      .expire = settings.expire,
  });
}

std::shared_ptr<provider> provider_from(const config::kubernetes_discovery& settings) {
  kubernetes_options made{
      .service = settings.service,
      .service_namespace = settings.service_namespace.value_or(""),
      .port_name = settings.port_name,
      .port = settings.port.value_or(0),
      .api = settings.api.value_or(""),
      .ca_file = settings.ca.value_or(""),
  };
  if (settings.token) {
    const bool is_file = settings.token->from == config::secret_text::origin::file;
    (is_file ? made.token_file : made.token) =
        is_file ? settings.token->reference : settings.token->value;
  }
  return std::make_shared<kubernetes_provider>(std::move(made));
}

/// The words without the name of the program, and with that of the keyspace.
std::string told_of(const std::string& keyspace, std::string_view why) {
  if (why.starts_with("weir: ")) why.remove_prefix(6);
  return "keyspace \"" + keyspace + "\": " + std::string(why);
}

/// Makes the source that a variant of settings describes.
struct source_maker {
  const config::keyspace_settings& keyspace;
  const std::shared_ptr<http_client>& client;
  const callback_sources& callbacks;

  std::shared_ptr<data_source> operator()(const std::monostate&) const {
    throw std::invalid_argument("it has no source");
  }

  std::shared_ptr<data_source> operator()(const config::http_source& from) const {
    http_source_options options{
        .url = from.url,
        .timeout = from.timeout,
        .max_entry = static_cast<std::size_t>(keyspace.max_entry),
        .ca = from.ca.value_or(""),
    };
    for (const auto& each : from.headers) options.headers.emplace_back(each.name, each.value.value);
    return make_http_source(client, std::move(options));
  }

  std::shared_ptr<data_source> operator()(const config::sqlite_source& from) const {
    return make_sqlite_source(sqlite_options_from(from, keyspace));
  }

  std::shared_ptr<data_source> operator()(const config::postgres_source& from) const {
    return make_postgres_source(postgres_options_from(from, keyspace));
  }

  std::shared_ptr<data_source> operator()(const config::redis_source& from) const {
    const bool tells = from.changes && from.changes->tracking;
    const bool serves = tells && from.changes->when_lost == config::feed_loss::serve;
    return make_redis_source({
        .url = from.url,
        .user = from.user.value_or(""),
        .password = from.password ? from.password->value : std::string(),
        .ca = from.ca.value_or(""),
        .insecure = from.insecure,
        .database = from.database,
        .prefix = from.prefix,
        .connections = from.connections,
        .expire = from.expire,
        .max_entry = static_cast<std::size_t>(keyspace.max_entry),
        .tracking = tells,
        .when_lost = serves ? feed_loss::serve : feed_loss::pass,
    });
  }

  std::shared_ptr<data_source> operator()(const config::file_source& from) const {
    return make_file_source(
        {.root = from.root,
         .max_entry = static_cast<std::size_t>(keyspace.max_entry),
         .write = from.write}
    );
  }

  std::shared_ptr<data_source> operator()(const config::callback_source& from) const {
    if (const auto found = callbacks.find(from.name); found != callbacks.end())
      return found->second;
    throw bad_source(
        "name",
        "no callback named \"" + from.name +
            "\" is registered; a callback needs a C++ program, use http, sqlite or file here"
    );
  }
};

}  // namespace

postgres_source_options postgres_options_from(
    const config::postgres_source& from, const config::keyspace_settings& keyspace
) {
  postgres_source_options made{
      .url = from.url,
      .password = from.password ? from.password->value : std::string(),
      .ca = from.ca.value_or(""),
      .insecure = from.insecure,
      .connections = from.connections,
      .max_entry = static_cast<std::size_t>(keyspace.max_entry),
      .query = from.query.value_or(""),
      .create = from.create.value_or(""),
      .update = from.update.value_or(""),
      .put = from.put.value_or(""),
      .erase = from.erase.value_or(""),
      .key = static_cast<pg_key_type>(from.key),
  };
  if (from.table) {
    made.table = postgres_table{
        from.table->name, from.table->key, from.table->value, from.table->revision.value_or("")};
  }
  if (from.changes) {
    made.listen = from.changes->listen;
    const bool serves = from.changes->when_lost == config::feed_loss::serve;
    made.when_lost = serves ? feed_loss::serve : feed_loss::pass;
  }
  return made;
}

node_options options_from(const config::settings& settings) {
  node_options options{
      .cluster = settings.cluster,
      .id = settings.node.id.value_or(""),
      .weight = settings.node.weight,
      .http_address = config::to_string(settings.listen.http.address),
      .max_reply_memory = settings.node.max_reply_memory,
      .ring = {.vnodes = settings.ring.vnodes, .bounded_load = settings.ring.bounded_load},
      .hedge = {.after = settings.hedge.after, .budget = settings.hedge.budget},
      .runtime = {.threads = settings.node.threads.value_or(0)},
  };
  if (settings.discovery.has_provider()) {
    options.peer_address = config::to_string(settings.listen.peer.address);
  }
  if (settings.discovery.dns) options.discovery = provider_from(*settings.discovery.dns);
  if (settings.discovery.nats) {
    options.discovery = provider_from(*settings.discovery.nats, settings.cluster);
  }
  if (settings.discovery.kubernetes) {
    options.discovery = provider_from(*settings.discovery.kubernetes);
  }
  if (settings.discovery.fixed) {
    options.discovery = std::make_shared<static_provider>(candidates_of(*settings.discovery.fixed));
  }
  if (settings.tls) options.peer_tls = {settings.tls->cert, settings.tls->key, settings.tls->ca};
  options.http_tokens = tokens_from(settings.auth);
  const auto& http = settings.listen.http;
  if (http.cert && http.key) options.http_tls = {.cert = *http.cert, .key = *http.key, .ca = {}};
  if (settings.node.advertise) options.advertise = config::to_string(*settings.node.advertise);
  return options;
}

std::vector<door_token> tokens_from(const config::auth_settings& settings) {
  std::vector<door_token> all;
  for (const auto& each : settings.tokens) {
    door_token made{each.name, each.secret.value, {}, each.keyspaces};
    for (const auto& right : each.allow) {
      made.allow.push_back(
          right == "read"    ? door_right::read
          : right == "write" ? door_right::write
                             : door_right::admin
      );
    }
    all.push_back(std::move(made));
  }
  return all;
}

keyspace_options options_from(const config::keyspace_settings& settings) {
  const bool is_strict = settings.consistency == config::consistency_mode::strict;
  const bool is_writable = settings.writes == config::writes_mode::allow;
  return {
      .name = settings.name,
      .ttl = settings.ttl,
      .jitter = settings.jitter,
      .negative_ttl = settings.negative_ttl,
      .max_memory = settings.budget,
      .near_memory = settings.near ? settings.near->max_memory : 0,
      .max_entry = settings.max_entry,
      .max_key = settings.max_key,
      .eviction = eviction::lru,
      .consistency = is_strict ? consistency::strict : consistency::available,
      .loads =
          {
              .concurrent = settings.loads.concurrent,
              .queue = settings.loads.queue,
              .batch = settings.loads.batch,
              .timeout = settings.loads.timeout,
          },
      .writes = is_writable ? writes::allow : writes::deny,
      .disabled = settings.disabled,
  };
}

sqlite_source_options sqlite_options_from(
    const config::sqlite_source& from, const config::keyspace_settings& keyspace
) {
  return {
      .path = from.path,
      .query = from.query,
      .max_entry = static_cast<std::size_t>(keyspace.max_entry),
      .put = from.put.value_or(""),
      .erase = from.erase.value_or(""),
      .revision = from.revision.value_or(0),
  };
}

std::shared_ptr<data_source> source_from(
    const config::keyspace_settings& settings,
    const std::shared_ptr<http_client>& client,
    const callback_sources& callbacks
) {
  try {
    return std::visit(source_maker{settings, client, callbacks}, settings.source);
  } catch (const bad_source& failed) {
    throw bad_source(failed.field(), told_of(settings.name, failed.what()));
  } catch (const std::exception& failed) {
    throw std::invalid_argument(told_of(settings.name, failed.what()));
  }
}

std::shared_ptr<http_client> make_http_client(const node& node) {
  return std::make_shared<http_client>(node.loops());
}

std::unique_ptr<node> node_from_settings(
    const config::settings& settings, const callback_sources& callbacks, log_sink log
) {
  auto options = options_from(settings);
  options.log = std::move(log);
  auto made = std::make_unique<node>(std::move(options));
  const auto client = make_http_client(*made);
  for (const auto& each : settings.keyspaces) {
    made->add_keyspace(options_from(each), source_from(each, client, callbacks));
  }
  return made;
}

}  // namespace weir
