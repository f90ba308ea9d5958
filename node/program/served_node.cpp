#include "program/served_node.hpp"

#include "advertise.hpp"

#include <weir/config/diff.hpp>
#include <weir/discovery/static_provider.hpp>
#include <weir/transport/http_client.hpp>
#include <weir/transport/metrics_text.hpp>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <unistd.h>

namespace weir {
namespace {

std::string joined_paths(const std::vector<config::change>& changes) {
  std::string out;
  for (const auto& each : changes) {
    if (!out.empty()) out += ", ";
    out += each.path;
    if (each.from.empty() != each.to.empty()) out += " " + each.from + each.to;  // "added"
    if (!each.from.empty() && !each.to.empty()) out += ": " + each.from + " -> " + each.to;
  }
  return out;
}

/// A token in a file that is not there is refused as the settings are read; authorities are alike.
void check_authorities(const config::settings& of) {
  const auto& kubernetes = of.discovery.kubernetes;
  if (!kubernetes || !kubernetes->ca || ::access(kubernetes->ca->c_str(), R_OK) == 0) return;
  const error_code why(errno, boost::system::system_category());
  throw std::invalid_argument(
      "discovery.kubernetes.ca: cannot read \"" + *kubernetes->ca + "\": " + why.message()
  );
}

const config::keyspace_settings* find(const config::settings& in, const std::string& name) {
  const auto found = std::find_if(in.keyspaces.begin(), in.keyspaces.end(), [&](const auto& each) {
    return each.name == name;
  });
  return found == in.keyspaces.end() ? nullptr : &*found;
}

// What source_from() makes of both is the same.
bool have_one_source(const config::keyspace_settings& a, const config::keyspace_settings& b) {
  return a.source == b.source && a.max_entry == b.max_entry;
}

}  // namespace

log_level level_from(config::log_level level) noexcept {
  switch (level) {
    case config::log_level::debug:
      return log_level::debug;
    case config::log_level::info:
      return log_level::info;
    case config::log_level::warn:
      return log_level::warn;
    case config::log_level::error:
      return log_level::error;
  }
  return log_level::info;
}

/// What a reload does to the keyspaces; the sources are made already.
struct served_node::keyspace_changes {
  struct wanted {
    keyspace_options options;
    std::shared_ptr<data_source> source;  ///< null = the one it has
  };

  std::vector<std::string> removed;
  std::vector<wanted> added_or_changed;
};

served_node::served_node(config::settings settings, log_writer& log, served_actions actions)
    : settings_(std::move(settings)), log_(log) {
  check_authorities(settings_);
  auto options = options_from(settings_);
  peers_ = std::dynamic_pointer_cast<static_provider>(options.discovery);
  log_.set_node(options.id.empty() ? host_name() : options.id);
  options.log = [&log](const log_record& record) { log(record); };
  options.reload = std::move(actions.reload);
  options.drain = std::move(actions.drain);
  options.metrics = [this](metrics_text& out) { append_metrics(out); };
  node_ = std::make_unique<weir::node>(std::move(options));
  client_ = make_http_client(*node_);
  for (const auto& each : settings_.keyspaces) {
    node_->add_keyspace(options_from(each), source_from(each, client_, {}));
  }
}

served_node::~served_node() {
  if (node_) node_->stop();
}

admin_outcome served_node::refuse(std::string detail) {
  ++reloads_refused_;
  log_({log_level::error, "reload.refused", {{"detail", detail}}});
  return {errc::bad_request, std::move(detail)};
}

served_node::keyspace_changes served_node::plan(const config::settings& wanted) const {
  keyspace_changes changes;
  for (const auto& each : settings_.keyspaces) {
    if (find(wanted, each.name) == nullptr) changes.removed.push_back(each.name);
  }
  for (const auto& each : wanted.keyspaces) {
    const auto* before = find(settings_, each.name);
    if (before != nullptr && *before == each) continue;
    const bool keeps_source = before != nullptr && have_one_source(*before, each);
    auto source = keeps_source ? nullptr : source_from(each, client_, {});
    changes.added_or_changed.push_back({options_from(each), std::move(source)});
  }
  return changes;
}

admin_outcome served_node::reload(const config::load_result& loaded) {
  node_->reload_tls();
  if (!loaded.settings) {
    ++reloads_refused_;
    std::string text = "nothing was changed";
    for (const auto& each : loaded.problems) {
      const auto place = config::place_of(each);
      text += "; " + place + ": " + each.text;
      log_fields fields{{"at", place}, {"path", each.path}, {"detail", each.text}};
      if (!each.hint.empty()) fields.emplace_back("hint", each.hint);
      log_({log_level::error, "reload.refused", std::move(fields)});
    }
    return {errc::bad_request, std::move(text)};
  }
  const auto& wanted = *loaded.settings;
  const auto found = config::diff(settings_, wanted);
  if (!found.restart.empty()) {
    return refuse("nothing was changed; these need a restart: " + joined_paths(found.restart));
  }
  keyspace_changes changes;
  try {
    changes = plan(wanted);
  } catch (const std::exception& failed) {
    return refuse(std::string("nothing was changed; ") + failed.what());
  }
  const auto dropped = apply(changes);
  node_->set_http_tokens(tokens_from(wanted.auth));
  log_.set_level(level_from(wanted.log.level));
  if (peers_ && wanted.discovery.fixed != settings_.discovery.fixed) {
    std::vector<candidate> peers;
    for (const auto& each : wanted.discovery.fixed->peers) {
      peers.push_back({each.id, config::to_string(each.address)});
    }
    peers_->replace(std::move(peers));
  }
  settings_ = wanted;
  ++reloads_applied_;
  const auto what = found.live.empty() ? "nothing changed" : joined_paths(found.live);
  log_fields fields{{"detail", what}, {"dropped", dropped}};
  log_({log_level::info, "reload.applied", std::move(fields)});
  return {{}, what + "; dropped=" + std::to_string(dropped)};
}

// Returns how many entries the changes cost, those of removed keyspaces included.
std::uint64_t served_node::apply(const keyspace_changes& changes) {
  std::uint64_t dropped = 0;
  for (const auto& each : changes.removed) {
    const auto entries = node_->find_keyspace(each).stats().entries;
    if (node_->remove_keyspace(each)) dropped += entries;
  }
  for (const auto& each : changes.added_or_changed) {
    const auto done = each.source ? node_->update_keyspace(each.options, each.source)
                                  : node_->update_keyspace(each.options);
    dropped += done.dropped;
  }
  return dropped;
}

void served_node::append_metrics(metrics_text& out) const {
  out.family("weir_config_reloads_total", metric_type::counter, "Reloads of the configuration.");
  out.sample({{"outcome", "applied"}}, reloads_applied_.load());
  out.sample({{"outcome", "refused"}}, reloads_refused_.load());
  out.family(
      "weir_log_dropped_total", metric_type::counter, "Log lines dropped because nobody took them."
  );
  out.sample({}, log_.dropped());
}

}  // namespace weir
