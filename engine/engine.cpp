#include <weir/engine/engine.hpp>

#include "engine_context.hpp"
#include "keyspace_core.hpp"
#include "member_table.hpp"

#include <map>
#include <mutex>
#include <stdexcept>

namespace weir {
namespace {

constexpr milliseconds reclaim_interval{50};  // one shard of each keyspace per tick

}  // namespace

struct engine::impl : std::enable_shared_from_this<impl> {
  explicit impl(std::shared_ptr<engine_context> shared, const engine_options& options)
      : context(std::move(shared)),
        members(std::make_shared<member_table>(context, options.ring, options.health)) {}

  std::shared_ptr<keyspace_core> find(std::string_view name) const {
    const std::lock_guard lock(mutex);
    const auto found = keyspaces.find(name);
    return found == keyspaces.end() ? nullptr : found->second;
  }

  void reclaim() {
    std::vector<std::shared_ptr<keyspace_core>> all;
    {
      const std::lock_guard lock(mutex);
      if (is_stopped) return;
      for (const auto& [name, each] : keyspaces) all.push_back(each);
      timer = context->env.schedule(context->env.now() + reclaim_interval, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->reclaim();
      });
    }
    for (const auto& each : all) each->reclaim();
  }

  bool owns(const routing& route, std::string_view keyspace, std::string_view key) const {
    return route.ring->owner_index(slot_of(keyspace, key)) == route.self;
  }

  void serve_get(const routing& route, get_request request, milliseconds timeout, completion<get_reply> done);
  void serve_many(const routing& route, get_many_request request, milliseconds timeout, completion<get_many_reply> done);
  change_reply serve_change(const routing& route, const change_request& request);

  const std::shared_ptr<engine_context> context;
  const std::shared_ptr<member_table> members;
  mutable std::mutex mutex;
  std::map<std::string, std::shared_ptr<keyspace_core>, std::less<>> keyspaces;
  timer_id timer = 0;
  bool is_stopped = false;
};

engine::engine(environment& env, identity self, engine_options options)
    : impl_([&] {
        if (self.incarnation == 0) self.incarnation = env.random() | 1;
        auto context = std::make_shared<engine_context>(env);
        context->self = std::move(self);
        context->rules = options.rules;
        context->hash_seed = env.hash_seed();
        context->gutter_epoch = env.random() | 1;
        return std::make_shared<impl>(std::move(context), options);
      }()) {
  impl_->context->learn = [weak = std::weak_ptr(impl_->members)](const std::vector<member>& view) {
    if (const auto members = weak.lock()) members->learn(view);
  };
  impl_->members->begin();
  impl_->reclaim();
}

engine::~engine() { stop(); }

void engine::advertise(std::string address) {
  impl_->context->self.address = std::move(address);
  impl_->members->begin();
}

void engine::join(peer_network& network) {
  impl_->context->network = &network;
  impl_->members->start_probing();
}

void engine::set_candidates(std::vector<candidate> candidates) {
  impl_->members->set_candidates(std::move(candidates));
}

keyspace engine::add_keyspace(keyspace_options options, source_argument source) {
  check(options);
  auto name = options.name;
  auto core = std::make_shared<keyspace_core>(impl_->context, std::move(options), std::move(source).take());
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->keyspaces.try_emplace(name, core).second) {
    throw std::invalid_argument("keyspace \"" + name + "\" exists already; update or remove it first");
  }
  return keyspace(std::move(core));
}

keyspace engine::update_keyspace(keyspace_options options, source_argument source) {
  check(options);
  auto core = std::make_shared<keyspace_core>(impl_->context, options, std::move(source).take());
  std::shared_ptr<keyspace_core> before;
  {
    const std::lock_guard lock(impl_->mutex);
    before = std::exchange(impl_->keyspaces[options.name], core);
  }
  if (before) before->close(errc::no_keyspace);
  return keyspace(std::move(core));
}

result<void> engine::remove_keyspace(std::string_view name) {
  std::shared_ptr<keyspace_core> before;
  {
    const std::lock_guard lock(impl_->mutex);
    const auto found = impl_->keyspaces.find(name);
    if (found == impl_->keyspaces.end()) return errc::no_keyspace;
    before = std::move(found->second);
    impl_->keyspaces.erase(found);
  }
  before->close(errc::no_keyspace);
  return {};
}

keyspace engine::find_keyspace(std::string_view name) const { return keyspace(impl_->find(name)); }

std::vector<keyspace> engine::keyspaces() const {
  const std::lock_guard lock(impl_->mutex);
  std::vector<keyspace> out;
  for (const auto& [name, each] : impl_->keyspaces) out.emplace_back(each);
  return out;
}

const identity& engine::self() const noexcept { return impl_->context->self; }

environment& engine::env() const noexcept { return impl_->context->env; }

std::shared_ptr<const ring> engine::ring() const { return impl_->context->route.get()->ring; }

std::uint64_t engine::view_digest() const { return impl_->context->route.digest(); }

key_place engine::place_of(std::string_view keyspace, std::string_view key) const {
  const auto route = impl_->context->route.get();
  const auto slot = slot_of(keyspace, key);
  return {slot, route->ring->owner(slot).id, route->ring->gutter(slot).id};
}

std::vector<member_status> engine::members() const { return impl_->members->status(); }

void engine::on_event(std::function<void(const cluster_event&)> listener) {
  impl_->members->on_event(std::move(listener));
}

void engine::leave(time_point deadline, completion<> done) {
  struct goodbye {
    std::atomic<std::size_t> missing;
    completion<> done;
  };
  const auto peers = impl_->members->linked_addresses();
  if (peers.empty()) return std::move(done)();
  const auto state = std::make_shared<goodbye>();
  state->missing = peers.size();
  state->done = std::move(done);
  for (const auto& each : peers) {
    peer_request message{
        .view_digest = view_digest(),
        .timeout = std::chrono::ceil<milliseconds>(deadline - env().now()),
        .body = leave_request{},
    };
    impl_->context->network->call(each, std::move(message), deadline, [state](result<peer_reply>) {
      if (state->missing.fetch_sub(1) == 1) std::move(state->done)();
    });
  }
}

void engine::stop() {
  std::map<std::string, std::shared_ptr<keyspace_core>, std::less<>> all;
  {
    const std::lock_guard lock(impl_->mutex);
    if (std::exchange(impl_->is_stopped, true)) return;
    impl_->context->env.cancel(impl_->timer);
    all = impl_->keyspaces;  // they stay, closed: later requests hear "unavailable", not "no keyspace"
  }
  impl_->members->stop();
  for (const auto& [name, each] : all) each->close(errc::unavailable);
}

bool engine::try_serve(const peer_request& request, peer_reply& reply) {
  const auto* get = std::get_if<get_request>(&request.body);
  if (get == nullptr) return false;
  const auto core = impl_->find(get->keyspace);
  if (!core) return false;
  get_reply answer;
  if (!core->try_serve(*get, answer)) return false;
  reply.view_digest = impl_->context->route.digest();
  reply.body = std::move(answer);
  return true;
}

void engine::serve(identity from, peer_request request, completion<peer_reply> reply) {
  const auto route = impl_->context->route.get();
  const auto digest = route->members.digest();
  auto finish = [digest, reply = std::move(reply)](reply_body body) mutable {
    std::move(reply)(peer_reply{digest, std::move(body)});
  };
  if (auto* get = std::get_if<get_request>(&request.body)) {
    impl_->serve_get(*route, std::move(*get), request.timeout, std::move(finish));
  } else if (auto* many = std::get_if<get_many_request>(&request.body)) {
    impl_->serve_many(*route, std::move(*many), request.timeout, std::move(finish));
  } else if (auto* change = std::get_if<change_request>(&request.body)) {
    finish(impl_->serve_change(*route, *change));
  } else if (std::holds_alternative<leave_request>(request.body)) {
    impl_->members->peer_leaves(from);
    finish(leave_reply{});
  } else {
    ping_reply pong;
    if (request.view_digest != digest) pong.view = route->members.members();
    finish(std::move(pong));
  }
}

void engine::impl::serve_get(
    const routing& route, get_request request, milliseconds timeout, completion<get_reply> done
) {
  const auto core = find(request.keyspace);
  if (!core) return std::move(done)(get_reply{.error = errc::no_keyspace});
  if (request.role == serve_as::owner && !owns(route, request.keyspace, request.key)) {
    return std::move(done)(get_reply{.error = errc::not_owner, .view = route.members.members()});
  }
  core->serve(std::move(request), timeout, std::move(done));
}

void engine::impl::serve_many(
    const routing& route, get_many_request request, milliseconds timeout,
    completion<get_many_reply> done
) {
  const auto core = find(request.keyspace);
  const auto is_owned = [&](const std::string& key) { return owns(route, request.keyspace, key); };
  error_code refused;
  if (!core) refused = errc::no_keyspace;
  if (core && request.role == serve_as::owner && !std::all_of(request.keys.begin(), request.keys.end(), is_owned)) {
    refused = errc::not_owner;
  }
  if (!refused) return core->serve_many(std::move(request), timeout, std::move(done));
  get_many_reply reply;
  reply.answers.resize(request.keys.size(), get_reply{.error = refused});
  std::move(done)(std::move(reply));
}

change_reply engine::impl::serve_change(const routing& route, const change_request& request) {
  const auto core = find(request.keyspace);
  if (!core) return {.error = errc::no_keyspace};
  const bool is_for_owner = request.role == serve_as::owner && request.kind != change_kind::clear;
  if (is_for_owner && !owns(route, request.keyspace, request.key)) {
    return {.error = errc::not_owner, .view = route.members.members()};
  }
  return core->apply(request);
}

void engine::on_link_up(const std::string& address, const identity& peer) {
  impl_->members->link_up(address, peer);
}

void engine::on_link_down(const std::string& address, link_loss cause) {
  impl_->members->link_down(address, cause);
}

void engine::on_peer_seen(const identity& peer) { impl_->members->peer_seen(peer); }

}  // namespace weir
