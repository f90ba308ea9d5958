#include "node_impl.hpp"

#include <boost/throw_exception.hpp>

#include <algorithm>
#include <stdexcept>

namespace weir {
namespace {

keyspace_update told(keyspace_update done, event_hub& hub) {
  std::string detail(done.keyspace.name());
  if (done.is_replaced) detail += ", starts empty";
  detail += ", dropped=" + std::to_string(done.dropped);
  hub.publish({"keyspace.updated", "", std::move(detail)});
  return done;
}

}  // namespace

void throw_exception_from_error(const start_error& error, const boost::source_location& where) {
  boost::throw_exception(boost::system::system_error(error.code, error.text), where);
}

node::node(node_options options) : impl_(std::make_unique<impl>(std::move(options))) {}

node::~node() {
  impl_->stop();
}

boost::system::result<void, start_error> node::start() {
  if (impl_->now != phase::made) {
    throw std::logic_error("weir: start() of a node that was started before");
  }
  impl_->started_at = impl_->threads.now();
  auto opened = impl_->open_peer_door();
  if (opened) {
    impl_->find_candidates();
    opened = impl_->open_http_door();
  }
  if (!opened) {
    impl_->hub->log(log_level::error, "node.refused", {{"detail", opened.error().text}});
    impl_->stop();
    return opened;
  }
  impl_->meet_peers();
  impl_->tls->watch();
  impl_->now = phase::started;
  log_fields fields{{"node", id()}, {"cluster", impl_->options.cluster}};
  if (!http_address().empty()) fields.emplace_back("http", http_address());
  if (!peer_address().empty()) {
    fields.emplace_back("peer", peer_address());
    fields.emplace_back("advertise", impl_->core.self().address);
  }
  fields.emplace_back("keyspaces", keyspaces().size());
  impl_->hub->log(log_level::info, "node.started", std::move(fields));
  return {};
}

void node::reload_tls() {
  impl_->tls->reload();
}

void node::set_http_tokens(const std::vector<door_token>& tokens) {
  impl_->door.set_tokens(tokens);
}

void node::stop() {
  impl_->stop();
}

keyspace node::add_keyspace(keyspace_options options, source_argument source) {
  auto added = impl_->core.add_keyspace(std::move(options), std::move(source));
  impl_->hub->publish({"keyspace.added", "", std::string(added.name())});
  return added;
}

keyspace_update node::update_keyspace(keyspace_options options) {
  return told(impl_->core.update_keyspace(std::move(options)), *impl_->hub);
}

keyspace_update node::update_keyspace(keyspace_options options, source_argument source) {
  return told(impl_->core.update_keyspace(std::move(options), std::move(source)), *impl_->hub);
}

result<void> node::remove_keyspace(std::string_view name) {
  auto removed = impl_->core.remove_keyspace(name);
  if (removed) impl_->hub->publish({"keyspace.removed", "", std::string(name)});
  return removed;
}

keyspace node::find_keyspace(std::string_view name) const {
  return impl_->core.find_keyspace(name);
}

std::vector<keyspace> node::keyspaces() const {
  return impl_->core.keyspaces();
}

std::vector<member_status> node::members() const {
  return impl_->core.members();
}

lease_status node::lease() const {
  return impl_->core.lease();
}

result<void> node::forget(std::string_view id) {
  return impl_->core.forget(id);
}

std::shared_ptr<const weir::ring> node::ring() const {
  return impl_->core.ring();
}

key_place node::place_of(std::string_view keyspace, std::string_view key) const {
  return impl_->core.place_of(keyspace, key);
}

void node::on_event(std::function<void(const cluster_event&)> listener) {
  impl_->hub->add(std::move(listener));
}

std::string node::metrics() const {
  return impl_->door.metrics();
}

const std::string& node::id() const noexcept {
  return impl_->options.id;
}

std::vector<asio::io_context*> node::loops() const {
  return impl_->threads.loops();
}

std::string node::peer_address() const {
  const std::lock_guard lock(impl_->addresses_mutex);
  return impl_->now == phase::stopped ? std::string() : impl_->peer_address;
}

std::string node::http_address() const {
  const std::lock_guard lock(impl_->addresses_mutex);
  return impl_->now == phase::stopped ? std::string() : impl_->http_address;
}

bool node::is_ready() const {
  const auto checks = impl_->readiness();
  return std::none_of(checks.begin(), checks.end(), [](const readiness_check& each) {
    return each.state == check_state::failed;
  });
}

}  // namespace weir
