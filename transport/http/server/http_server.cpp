#include "http/server/http_core.hpp"
#include "http/server/http_upgrade.hpp"

#include <weir/transport/http_server.hpp>

#include <boost/system/system_error.hpp>

#include <stdexcept>

namespace weir {

std::uint64_t http_handler::body_limit(const http_request&) const {
  return UINT64_MAX;
}

bool http_handler::may_be_large(const http_request&) const {
  return true;
}

void throw_exception_from_error(const listen_error& error, const boost::source_location&) {
  throw boost::system::system_error(error.code, error.text);
}

http_server::http_server(
    const std::vector<asio::io_context*>& loops, http_limits limits, http_handler& handler
) {
  if (loops.empty()) throw std::invalid_argument("http_server: at least one loop is needed");
  core_ = std::make_shared<http_core>(loops, limits, handler);
}

http_server::~http_server() {
  core_->stop();
}

void http_server::on_log(std::function<void(std::string_view)> log) {
  core_->log = std::move(log);
}

boost::system::result<std::string, listen_error> http_server::listen(std::string_view address) {
  return core_->listen(address);
}

void http_server::use_tls(tls_source contexts) {
  core_->tls = std::move(contexts);
}

void http_server::share_replies(std::shared_ptr<reply_budget> budget) {
  core_->replies = std::move(budget);
}

void http_server::stop_accepting() {
  core_->stop_accepting();
}

void http_server::drain(
    std::chrono::steady_clock::time_point deadline, std::function<void()> done
) {
  core_->drain(deadline, std::move(done));
}

void http_server::stop() {
  core_->stop();
}

http_server_stats http_server::stats() const {
  return {
      .connections = core_->open,
      .accepted_total = core_->accepted,
      .refused_total = core_->refused,
      .short_of_memory_total = core_->short_of_memory,
      .requests_total = core_->requests,
      .bad_requests_total = core_->bad_requests,
      .timeouts_total = core_->timeouts,
      .accept_pauses_total = core_->accept_pauses,
      .failed_handshakes_total = core_->failed_handshakes,
  };
}

http_core& core_of(http_server& server) noexcept {
  return *server.core_;
}

void on_upgrade(http_server& server, std::string protocol, http_upgrade_handler handler) {
  auto& core = core_of(server);
  core.upgrade_protocol = std::move(protocol);
  core.upgrade = std::move(handler);
}

}  // namespace weir
