// What this node shows of itself and of the cluster: /cluster, /livez, /readyz.
#include "http/http_door_impl.hpp"

#include <weir/transport/http_target.hpp>
#include <weir/transport/text.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

namespace weir {
namespace {

void write_options(json_writer& json, const keyspace_options& of) {
  json.name("options").begin_object();
  json.member("ttl_ms", of.ttl.count()).member("jitter", of.jitter);
  json.member("negative_ttl_ms", of.negative_ttl.count());
  json.member("max_memory", of.max_memory).member("near_memory", of.near_memory);
  json.member("max_entry", of.max_entry);
  json.member("max_key", of.max_key).member("eviction", "lru");
  json.member("consistency", of.consistency == consistency::strict ? "strict" : "available");
  json.member("writes", of.writes == writes::allow ? "allow" : "deny");
  json.name("loads").begin_object().member("concurrent", of.loads.concurrent);
  json.member("queue", of.loads.queue).member("timeout_ms", of.loads.timeout.count());
  json.end_object().end_object();
}

void write_source(json_writer& json, const source_state& of) {
  json.name("source").begin_object().member("type", of.type).member("failing", of.is_failing);
  if (of.is_failing) json.member("failures", of.failures).member("since_ms", of.since.count());
  if (of.last_failure) {
    json.member("last_failure_ms", of.last_failure->count()).member("outcome", of.outcome);
    json.member("words", of.words);
  }
  json.end_object();
}

void write_feed(json_writer& json, const std::optional<feed_status>& of) {
  if (!of) return;
  json.name("feed")
      .begin_object()
      .member("state", name(of->is))
      .member("since_ms", of->since.count());
  json.member("changes", of->changes).member("resets", of->resets);
  if (!of->words.empty()) json.member("words", of->words);
  json.end_object();
}

readiness_check feed_check(std::string_view keyspace, const feed_status& of, bool may_read) {
  readiness_check check{"feed of " + std::string(keyspace), check_state::noted, {}};
  check.detail = std::string(of.is == feed_status::state::stale ? "lost " : "connecting since ") +
                 std::to_string(of.since.count() / 1000) + " s ago";
  if (may_read && !of.words.empty()) check.detail += ": " + of.words;
  return check;
}

// Words only for those who may read the keyspace: they may name hosts and files.
readiness_check source_check(std::string_view keyspace, const source_state& of, bool may_read) {
  readiness_check check{"source of " + std::string(keyspace), check_state::noted, {}};
  check.detail = "failing for " + std::to_string(of.since.count() / 1000) +
                 " s: " + (may_read ? of.words : of.outcome);
  return check;
}

bool is_passed(const std::vector<readiness_check>& all) {
  return std::none_of(all.begin(), all.end(), [](const auto& each) {
    return each.state == check_state::failed;
  });
}

http_response text_answer(unsigned status, std::string_view text) {
  http_response response(status, bytes(text));
  response.add("Content-Type", "text/plain; charset=utf-8");
  response.add("Cache-Control", "no-store");
  return response;
}

}  // namespace

http_response http_door::impl::view(const http_request& request, door_page page) const {
  if (page == door_page::unknown && request.path != "*") {
    return problem(
        404,
        name(errc::not_found),
        "Not found",
        "nothing is served at \"" + std::string(request.path.substr(0, 128)) +
            "\"; data is at /v1/{keyspace}/{key}, the node's view at /cluster, probes are /livez "
            "and /readyz, metrics at /metrics"
    );
  }
  if (const auto twice = doubled_parameter(request.query); !twice.empty()) {
    return problem(
        errc::bad_request, "parameter \"" + std::string(twice) + "\" stands there twice; send one"
    );
  }
  if (request.method == http_method::options) {
    http_response response(204);
    response.add("Allow", request.path == "*" ? allowed_with_writes : allowed_methods(page));
    return response;
  }
  if (page == door_page::members && request.method == http_method::post) return forget(request);
  const bool is_read = request.method == http_method::get || request.method == http_method::head;
  if (!is_read || is_action(page)) {
    return method_not_allowed(request, allowed_methods(page));
  }
  switch (page) {
    case door_page::cluster:
      return cluster();
    case door_page::members:
      return members();
    case door_page::ring:
      return ring(request.query);
    case door_page::keyspaces:
      return keyspaces();
    case door_page::stats:
      return stats({});
    case door_page::readyz:
      return readyz(request);
    case door_page::metrics: {
      http_response response(200, metrics());
      response.add("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
      return response;
    }
    default:
      break;
  }
  const bool is_verbose = query_parameter(request.query, "verbose").has_value();
  return text_answer(200, is_verbose ? "[+] event loop: this answer comes from it\nok\n" : "ok\n");
}

http_response http_door::impl::cluster() const {
  const auto& self = engine.self();
  const auto all = engine.members();
  const auto ring = engine.ring();
  const auto reachable = std::count_if(all.begin(), all.end(), [](const member_status& each) {
    return each.is_self || each.state == member_state::reachable;
  });
  json_writer json;
  json.begin_object().member("cluster", self.cluster);
  json.name("node").begin_object().member("id", self.id).member("address", self.address);
  json.member("incarnation", hex(self.incarnation)).member("weight", self.weight);
  json.member("version", options.version).end_object();
  json.member("digest", hex(engine.view_digest()));
  json.member("members", all.size()).member("reachable", reachable);
  json.member("ring_nodes", ring->size());
  json.name("keyspaces").begin_array();
  for (const auto& each : engine.keyspaces()) json.value(each.name());
  json.end_array().end_object();
  return json_answer(json);
}

http_response http_door::impl::ring(std::string_view query) const {
  if (const auto key = query_parameter(query, "key")) return place(*key);
  const auto ring = engine.ring();
  std::map<std::string, member_state> states;
  for (const auto& each : engine.members()) {
    if (each.is_in_ring) states.insert_or_assign(each.id, each.state);
  }
  json_writer json;
  json.begin_object().member("digest", hex(engine.view_digest()));
  json.member("vnodes", options.ring.vnodes).member("bounded_load", options.ring.bounded_load);
  json.name("nodes").begin_array();
  for (std::uint16_t i = 0; i != ring->size(); ++i) {
    const auto& node = ring->members()[i];
    json.begin_object().member("id", node.id).member("address", node.address);
    json.member("weight", node.weight).member("share", ring->share(i));
    json.member("slots", ring->load(i));
    const auto state = states.find(node.id);
    json.member("state", name(state == states.end() ? member_state::unproven : state->second));
    json.end_object();
  }
  json.end_array().end_object();
  return json_answer(json);
}

http_response http_door::impl::place(std::string_view raw) const {
  const auto text = decode_path_segment(raw);
  if (!text) return refuse(errc::bad_request, "a malformed % in ?key").response;
  const auto slash = text->find('/');
  if (slash == std::string::npos) {
    return refuse(errc::bad_request, "?key must be KEYSPACE/KEY, percent-encoded once").response;
  }
  const auto keyspace = std::string_view(*text).substr(0, slash);
  const auto key = std::string_view(*text).substr(slash + 1);
  if (key.empty()) return refuse(errc::bad_key, "the key in ?key is empty").response;
  if (!engine.find_keyspace(keyspace)) {
    return refuse(
               errc::no_keyspace,
               "this node has no keyspace \"" + std::string(keyspace.substr(0, 64)) + "\""
    )
        .response;
  }
  const auto found = engine.place_of(keyspace, key);
  json_writer json;
  json.begin_object().member("keyspace", keyspace).data_member("key", key);
  json.member("slot", found.slot).member("owner", found.owner).member("gutter", found.gutter);
  json.end_object();
  return json_answer(json);
}

http_response http_door::impl::keyspaces() const {
  json_writer json;
  json.begin_object().name("keyspaces").begin_array();
  for (const auto& each : engine.keyspaces()) {
    json.begin_object().member("name", each.name());
    write_options(json, each.options());
    write_stats(json, each.stats());
    write_source(json, each.source());
    write_feed(json, each.feed());
    json.end_object();
  }
  json.end_array().end_object();
  return json_answer(json);
}

std::vector<readiness_check> http_door::impl::checks() const {
  auto all = options.readiness ? options.readiness() : std::vector<readiness_check>();
  all.push_back(lease_check(engine.lease()));
  all.push_back(config_check(engine.members()));
  return all;
}

bool http_door::impl::is_ready() const {
  return is_passed(checks());
}

http_response http_door::impl::readyz(const http_request& request) const {
  const auto unknown = unknown_parameter(request.query, "verbose settled");
  if (!unknown.empty()) {
    return problem(
        errc::bad_request,
        "unknown parameter \"" + std::string(unknown) + "\"; /readyz takes ?verbose and ?settled"
    );
  }
  auto all = checks();
  const bool is_ready = is_passed(all);
  const bool asks_settled = query_parameter(request.query, "settled").has_value();
  if (asks_settled && options.settling) all.push_back(options.settling());
  const bool is_verbose = query_parameter(request.query, "verbose").has_value();
  for (const auto& each : is_verbose ? engine.keyspaces() : std::vector<keyspace>()) {
    const auto source = each.source();
    const auto feed = each.feed();
    const bool is_lost = feed && feed->is != feed_status::state::live;
    if (!source.is_failing && !is_lost) continue;
    const bool may_read = auth.may_read(request, each.name(), session_of(request).pass);
    if (source.is_failing) all.push_back(source_check(each.name(), source, may_read));
    if (is_lost) all.push_back(feed_check(each.name(), *feed, may_read));
  }
  const bool is_good = is_passed(all);
  std::string text;
  for (const auto& each : all) {
    if (!is_verbose && each.state != check_state::failed) continue;
    text.append(
        each.state == check_state::passed  ? "[+] "
        : each.state == check_state::noted ? "[!] "
                                           : "[-] "
    );
    text.append(each.name);
    if (!each.detail.empty()) text.append(": ").append(each.detail);
    text.push_back('\n');
  }
  text.append(is_good ? "ok\n" : is_ready ? "not settled\n" : "not ready\n");
  return text_answer(is_good ? 200 : 503, text);
}

}  // namespace weir
