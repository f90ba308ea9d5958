#include "node_impl.hpp"

#include "advertise.hpp"
#include "http_metrics.hpp"
#include "link_metrics.hpp"
#include "stderr_log.hpp"
#include "utf8.hpp"
#include "version.hpp"

#include <weir/config/address.hpp>
#include <weir/engine/limits.hpp>
#include <weir/transport/host_port.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>
#include <chrono>
#include <stdexcept>
#include <utility>

namespace weir {
namespace {

void check(const node_options& options) {
  const auto refuse = [](const std::string& what) { throw std::invalid_argument("weir: " + what); };
  const auto check_name = [&](const char* field, const std::string& name) {
    if (is_name(name)) return;
    refuse(
        std::string(field) + " is \"" + printable(name) + "\"; it must be 1 to " +
        std::to_string(max_name) + " characters of " + std::string(name_characters)
    );
  };
  const auto check_address = [&](const char* field, const std::string& address) {
    if (address.empty()) return;
    if (const auto wrong = config::address_problem(address)) {
      refuse(std::string(field) + ": " + *wrong);
    }
  };
  check_name("cluster", options.cluster);
  if (!options.id.empty()) check_name("id", options.id);
  if (options.weight < 1 || options.weight > max_weight) {
    refuse(
        "weight is " + std::to_string(options.weight) + "; it must be 1 to " +
        std::to_string(max_weight)
    );
  }
  check_address("peer_address", options.peer_address);
  check_address("http_address", options.http_address);
  check_address("advertise", options.advertise);
  if (options.discovery && options.peer_address.empty()) {
    refuse("discovery needs a peer door; set peer_address");
  }
}

node_options checked(node_options options) {
  check(options);
  if (options.id.empty()) options.id = host_name();
  if (!options.log) options.log = stderr_log();
  return options;
}

bool is_loopback(const std::string& address) {
  const auto parts = parse_host_port(address);
  if (!parts) return false;
  error_code no_address;
  const auto literal = asio::ip::make_address(parts->host, no_address);
  return parts->host == "localhost" || (!no_address && literal.is_loopback());
}

bool same_candidates(const std::vector<candidate>& one, const std::vector<candidate>& other) {
  const auto same = [](const candidate& a, const candidate& b) {
    return a.id == b.id && a.address == b.address;
  };
  return std::equal(one.begin(), one.end(), other.begin(), other.end(), same);
}

void append_reply_memory(metrics_text& out, const reply_budget& budget) {
  out.family(
      "weir_reply_memory_bytes",
      metric_type::gauge,
      "Memory of answers that wait for slow readers, of node.max_reply_memory."
  );
  out.sample({}, static_cast<double>(budget.used()));
}

void append_answers(metrics_text& out, const std::vector<answer_count>& counts) {
  if (counts.empty()) return;
  out.family(
      "weir_discovery_answers_total",
      metric_type::counter,
      "Answers of the discovery service, by outcome."
  );
  for (const auto& each : counts) out.sample({{"outcome", each.outcome}}, each.count);
}

void append_last_answer(metrics_text& out, std::int64_t wall_ms) {
  if (wall_ms == 0) return;
  out.family(
      "weir_discovery_last_answer_timestamp_seconds",
      metric_type::gauge,
      "When discovery last told a change, or that it works again."
  );
  out.sample({}, static_cast<double>(wall_ms) / 1000);
}

}  // namespace

node::impl::impl(node_options given)
    : options(checked(std::move(given))),
      hub(std::make_shared<event_hub>(options.log, options.executor)),
      replies(std::make_shared<reply_budget>(options.max_reply_memory)),
      threads(options.runtime),
      tls(std::make_shared<node_tls>(
          options.id, options.peer_tls, options.http_tls, hub, *threads.loops().front()
      )),
      core(
          threads,
          own_identity(),
          {.ring = options.ring, .health = options.health, .hedge = options.hedge}
      ),
      door(core, door_settings()) {
  door.set_tokens(options.http_tokens);
  core.set_report([door = &door] { return door->report(); });
  core.on_event([hub = hub, door = &door](const cluster_event& event) {
    door->note(event);
    hub->publish(event);
  });
}

identity node::impl::own_identity() const {
  return {.cluster = options.cluster, .id = options.id, .weight = options.weight, .address = {}};
}

door_options node::impl::door_settings() {
  door_options made;
  made.version = version_text;
  made.revision = revision_text;
  made.ring = options.ring;
  made.is_local = is_loopback(options.http_address);
  made.readiness = [this] { return readiness(); };
  made.settling = [this] { return settling(); };
  made.reload = options.reload;
  made.drain = options.drain;
  made.metrics = [this](metrics_text& out) { append_metrics(out); };
  return made;
}

void node::impl::append_metrics(metrics_text& out) const {
  tls->append_metrics(out);
  append_reply_memory(out, *replies);
  out.family("weir_draining", metric_type::gauge, "1 while this node goes down.")
      .sample({}, std::uint64_t{now.load() > phase::started ? 1u : 0u});
  if (server) append_http_metrics(out, server->stats());
  if (network) append_link_metrics(out, network->counters(), network->links());
  if (options.discovery) {
    append_answers(out, options.discovery->counts());
    out.family(
           "weir_discovery_failing",
           metric_type::gauge,
           "1 while discovery fails, names nobody, or has not answered yet."
    )
        .sample({}, std::uint64_t{is_discovery_failing.load() ? 1u : 0u});
  }
  append_last_answer(out, discovery_answered_at);
  if (options.metrics) options.metrics(out);
}

std::vector<readiness_check> node::impl::readiness() const {
  const auto check_of = [](std::string_view what, bool is_good, std::string_view wrong) {
    const auto state = is_good ? check_state::passed : check_state::failed;
    return readiness_check{std::string(what), state, std::string(is_good ? "" : wrong)};
  };
  const auto current = now.load();
  std::vector<readiness_check> all{
      check_of("listeners", current >= phase::started, "not open yet"),
      check_of("keyspaces", true, ""),  // one that is not valid cannot be added
      discovery_check(),
      check_of("not draining", current <= phase::started, "the node is going down"),
  };
  if (network) all.push_back(id_check());
  tls->append_checks(all);
  return all;
}

readiness_check node::impl::settling() {
  const settling_facts facts{
      .started = started_at,
      .progress = core.settling(),
      .was_settled = was_settled,
      .is_draining = now.load() > phase::started,
  };
  auto check = settled_check(facts, threads.now());
  if (check.state == check_state::passed) was_settled = true;
  return check;
}

/// Ready once the first attempt is over, however it ended; what is wrong since then is shown.
readiness_check node::impl::discovery_check() const {
  readiness_check check{.name = "discovery", .state = check_state::passed, .detail = {}};
  if (!options.discovery) return check;
  if (!was_discovery_answered) {
    check.state = check_state::failed;
    check.detail = "no answer from the provider yet";
    return check;
  }
  const std::lock_guard lock(trouble_mutex);
  if (discovery_state.text.empty()) return check;
  const auto lasted = threads.now() - discovery_state.since;
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(lasted).count();
  check.state = check_state::noted;
  check.detail = discovery_state.text + ", for " + std::to_string(seconds) + " s";
  return check;
}

/// A node whose id another process uses is a mistake of its operator, not an outage.
readiness_check node::impl::id_check() const {
  readiness_check check{.name = "node id", .state = check_state::passed, .detail = {}};
  if (const auto conflict = core.id_conflict()) {
    check.state = check_state::failed;
    check.detail = conflict->text;
  }
  return check;
}

void node::impl::note_trouble(std::string text) {
  const std::lock_guard lock(trouble_mutex);
  if (!discovery_state.text.empty() && !text.empty()) {
    discovery_state.text = std::move(text);  // since when it fails, whatever the reason is now
  } else {
    discovery_state = {std::move(text), threads.now()};
  }
}

/// Binds the peer port; nobody is let in before meet_peers().
node::impl::outcome node::impl::open_peer_door() {
  if (options.peer_address.empty()) return {};
  peer_link_options link;
  link.server_tls = tls->peer_server();
  link.client_tls = tls->peer_client();
  link.replies = replies;
  link.log = [hub = hub](std::string_view remark, peer_log_fields fields) {
    hub->log_link(remark, std::move(fields));
  };
  network = std::make_unique<peer_link_network>(threads, threads.loops(), std::move(link));
  auto bound = network->listen(options.peer_address);
  if (!bound) {
    return start_error{
        bound.error(),
        "cannot listen for peers on " + options.peer_address + ": " + bound.error().message() +
            "; free it or choose another address",
    };
  }
  const std::lock_guard lock(addresses_mutex);
  peer_address = std::move(*bound);
  return {};
}

/// Candidates that are named before the node knows its own address wait until meet_peers().
void node::impl::find_candidates() {
  if (options.discovery) {
    is_discovering = true;
    options.discovery->start(threads, [this](auto found) { take_candidates(std::move(found)); });
  }
  if (!network) return;
  const std::lock_guard lock(candidates_mutex);
  const auto& fixed = options.advertise;
  core.advertise(fixed.empty() ? advertised_address(peer_address, candidates) : fixed);
  core.join(*network);
}

/// Who did not serve a while ago may do so now.
void node::impl::forget_marks() {
  const auto is_marked = [](const candidate& each) { return each.is_serving.has_value(); };
  if (std::none_of(candidates.begin(), candidates.end(), is_marked)) return;
  for (auto& each : candidates) each.is_serving.reset();
  if (meets_peers) core.set_candidates(candidates);
}

/// The engine hears of answers only: without one it does not know who counts. Logs changes only.
void node::impl::take_candidates(result<std::vector<candidate>> found) {
  const std::lock_guard lock(candidates_mutex);
  const bool is_empty = found && found->empty() && !candidates.empty();
  if (!found || is_empty) {
    auto why = is_empty ? std::string("it names nobody any more") : found.error().message();
    if (const auto more = options.discovery->detail(); !found && !more.empty())
      why += " (" + more + ')';
    note_trouble(why);
    was_discovery_answered = true;
    why += candidates.empty() ? "; nobody is known yet" : "; the known members stay";
    is_discovery_failing = true;
    forget_marks();
    if (discovery_trouble == why) return;
    discovery_trouble = why;
    const auto event = is_empty ? "discovery.empty" : "discovery.failed";
    return hub->log(log_level::warn, event, {{"detail", std::move(why)}});
  }
  note_trouble({});
  was_discovery_answered = true;
  is_discovery_failing = false;
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  discovery_answered_at = std::chrono::duration_cast<milliseconds>(wall).count();
  const bool is_over = !std::exchange(discovery_trouble, {}).empty();
  const bool is_first = !std::exchange(is_named, true);
  if (is_over || is_first || !same_candidates(*found, candidates)) {
    hub->log(log_level::info, "discovery.answered", {{"candidates", found->size()}});
  }
  candidates = std::move(*found);
  if (meets_peers) core.set_candidates(candidates);
}

/// From here on loops of the node run requests, so that nothing of the engine is set up after it.
node::impl::outcome node::impl::open_http_door() {
  if (options.http_address.empty()) return {};
  server = std::make_unique<http_server>(threads.loops(), http_limits{}, door);
  server->share_replies(replies);
  if (auto contexts = tls->http_server()) server->use_tls(std::move(contexts));
  server->on_log([hub = hub](std::string_view remark) {
    hub->log(log_level::warn, "http.remark", {{"detail", std::string(remark)}});
  });
  auto bound = server->listen(options.http_address);
  if (!bound) return start_error{bound.error().code, bound.error().text};
  const std::lock_guard lock(addresses_mutex);
  http_address = std::move(*bound);
  return {};
}

void node::impl::meet_peers() {
  if (!network) return;
  network->start(core.self(), core);
  {
    const std::lock_guard lock(candidates_mutex);
    if (!options.discovery || is_named) core.set_candidates(candidates);
    meets_peers = true;
  }
  if (options.discovery) options.discovery->announce(core.self());
}

void node::impl::stop() {
  const auto before = now.exchange(phase::stopped);
  if (before == phase::stopped) return;
  tls->stop();
  if (is_discovering) options.discovery->stop();
  if (server) server->stop();
  if (network) network->stop();
  core.stop();
  threads.stop();
  if (before != phase::made) hub->log(log_level::info, "node.stopped", {{"node", options.id}});
}

}  // namespace weir
