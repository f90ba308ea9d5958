#include "peer/peer_client.hpp"
#include "peer/peer_core.hpp"

#include <weir/transport/peer_link.hpp>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>

namespace weir {

namespace {

// Calls `done` with an error on its executor, never at once.
void fail_later(environment& env, peer_callback done, error_code error) {
  const auto loop = env.executor();
  asio::post(loop, [loop, done = std::move(done), error]() mutable {
    const auto to = asio::get_associated_executor(done, asio::any_completion_executor(loop));
    asio::dispatch(to, [done = std::move(done), error]() mutable { std::move(done)(error); });
  });
}

}  // namespace

peer_link_network::peer_link_network(
    environment& env, std::vector<asio::io_context*> loops, peer_link_options options
)
    : core_(std::make_shared<peer_core>(env, std::move(loops), std::move(options))) {}

peer_link_network::~peer_link_network() {
  core_->stop();
}

result<std::string> peer_link_network::listen(std::string_view address) {
  return core_->listen(address);
}

void peer_link_network::start(identity self, peer_handler& handler) {
  check(self);
  core_->start(std::move(self), handler);
}

void peer_link_network::stop() {
  core_->stop();
}

void peer_link_network::connect(const std::string& address) {
  core_->connect(address);
}

void peer_link_network::disconnect(const std::string& address) {
  core_->disconnect(address);
}

void peer_link_network::call(
    const std::string& address,
    peer_request request,
    time_point deadline,
    completion<result<peer_reply>> done
) {
  call_watched(address, std::move(request), deadline, std::move(done), nullptr);
}

void peer_link_network::call_watched(
    const std::string& address,
    peer_request request,
    time_point deadline,
    completion<result<peer_reply>> done,
    std::shared_ptr<call_watcher> watcher
) {
  const auto refused = check_request(request, core_->limits);
  if (refused) return fail_later(core_->env, std::move(done), refused);
  const auto client = core_->route(address);
  if (!client) return fail_later(core_->env, std::move(done), errc::unavailable);
  const time_point now = core_->env.now();
  if (deadline <= now) return fail_later(core_->env, std::move(done), errc::deadline_exceeded);
  const auto error = client->call(request, now, deadline, done, std::move(watcher));
  if (error) fail_later(core_->env, std::move(done), error);
}

time_point peer_link_network::heard(const std::string& address) const {
  const auto client = core_->route(address);
  return client ? client->heard() : time_point{};
}

void peer_link_network::abandon(const std::string& address) {
  if (const auto client = core_->route(address)) client->abandon();
}

peer_link_counters peer_link_network::counters() const {
  return core_->counters();
}

std::vector<peer_link_state> peer_link_network::links() const {
  return core_->links();
}

}  // namespace weir
