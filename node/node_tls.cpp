#include "node_tls.hpp"

#include <weir/transport/metrics_text.hpp>

#include <boost/asio/post.hpp>

#include <chrono>
#include <stdexcept>

namespace weir {
namespace {

using std::chrono::hours;
using std::chrono::system_clock;

constexpr std::chrono::seconds look_every{1};
constexpr hours soon{14 * 24};

std::string days_left(system_clock::time_point expires) {
  const auto left = std::chrono::duration_cast<hours>(expires - system_clock::now());
  return "ends in " + std::to_string(left.count() / 24) + " days" +
         (left < soon ? "; renew it" : "");
}

}  // namespace

node_tls::node_tls(
    const std::string& id,
    const tls_files& peer,
    const tls_files& http,
    std::shared_ptr<event_hub> hub,
    asio::io_context& loop
)
    : hub_(std::move(hub)),
      loop_(loop),
      timer_(loop),
      peer_(load("peer", peer, id)),
      http_(load("http", http, {})) {
  if (peer_) all_.push_back({"peer", peer_});
  if (http_) all_.push_back({"http", http_});
}

std::shared_ptr<tls_credentials> node_tls::load(
    const std::string& use, const tls_files& files, const std::string& name
) {
  if (files == tls_files()) return nullptr;
  auto made = tls_credentials::load(files, name);
  if (!made) throw std::invalid_argument("weir: TLS of the " + use + " door: " + made.error().text);
  return *made;
}

void node_tls::watch() {
  if (all_.empty()) return;
  for (const auto& each : all_) {
    if (each.files->expires() - system_clock::now() >= soon) continue;
    log_fields fields{{"door", each.use}, {"certificate", days_left(each.files->expires())}};
    hub_->log(log_level::warn, "tls.expires", std::move(fields));
  }
  asio::post(loop_, [self = shared_from_this()] { self->look_later(); });
}

void node_tls::look_later() {
  timer_.expires_after(look_every);
  timer_.async_wait([weak = weak_from_this()](const error_code& stopped) {
    const auto self = weak.lock();
    if (stopped || !self) return;
    for (const auto& each : self->all_) {
      if (each.files->has_settled_change()) self->reload(each);
    }
    self->look_later();
  });
}

void node_tls::stop() {
  asio::post(loop_, [self = shared_from_this()] { self->timer_.cancel(); });
}

void node_tls::reload() {
  for (const auto& each : all_) reload(each);
}

void node_tls::reload(const held& which) {
  using outcome = tls_credentials::outcome;
  const auto done = which.files->reload();
  if (done.what == outcome::unchanged) return;
  log_fields fields{{"door", which.use}};
  if (done.what == outcome::refused) {
    fields.emplace_back("detail", done.text + "; what was in use stays");
    return hub_->log(log_level::error, "tls.refused", std::move(fields));
  }
  const bool is_near = which.files->expires() - system_clock::now() < soon;
  fields.emplace_back("certificate", days_left(which.files->expires()));
  hub_->log(is_near ? log_level::warn : log_level::info, "tls.replaced", std::move(fields));
}

tls_source node_tls::peer_server() const {
  if (!peer_) return nullptr;
  return [files = peer_] { return files->peer_server(); };
}

tls_source node_tls::peer_client() const {
  if (!peer_) return nullptr;
  return [files = peer_] { return files->peer_client(); };
}

tls_source node_tls::http_server() const {
  if (!http_) return nullptr;
  return [files = http_] { return files->server(); };
}

void node_tls::append_checks(std::vector<readiness_check>& to) const {
  for (const auto& each : all_) {
    const auto left = each.files->expires() - system_clock::now();
    readiness_check check{"certificate of " + each.use, check_state::passed, {}};
    if (left < system_clock::duration::zero()) {
      // Without its peers a node still answers, from its source; behind a dead door it does not.
      check.state = each.files == http_ ? check_state::failed : check_state::noted;
      check.detail = "expired; replace its file";
    } else if (left < soon) {
      check.state = check_state::noted;
      check.detail = days_left(each.files->expires());
    }
    to.push_back(std::move(check));
  }
}

void node_tls::append_metrics(metrics_text& out) const {
  if (all_.empty()) return;
  out.family(
      "weir_tls_certificate_expires_timestamp_seconds",
      metric_type::gauge,
      "When the certificate in use ends, in seconds since 1970."
  );
  for (const auto& each : all_) {
    const auto end = system_clock::to_time_t(each.files->expires());
    out.sample({{"door", each.use}}, static_cast<double>(end));
  }
  out.family(
      "weir_tls_reloads_total", metric_type::counter, "Changes of certificate files, by outcome."
  );
  for (const auto& each : all_) {
    const auto counts = each.files->counted();
    out.sample({{"door", each.use}, {"outcome", "replaced"}}, counts.replaced);
    out.sample({{"door", each.use}, {"outcome", "refused"}}, counts.refused);
  }
}

}  // namespace weir
