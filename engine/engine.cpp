#include "async/await.hpp"
#include "engine_impl.hpp"
#include "hand_over.hpp"

#include <atomic>
#include <set>
#include <stdexcept>

namespace weir {
namespace {

constexpr milliseconds reclaim_interval{50};  // one shard of each keyspace per tick
// A member that has not confirmed a record by then is voted about.
constexpr milliseconds late_batch{250};
constexpr std::uint64_t max_handed_over = 64u << 20;  // bytes of entries

}  // namespace

engine::impl::impl(std::shared_ptr<engine_context> shared, const engine_options& options)
    : context(std::move(shared)),
      agreed(std::make_shared<agreement>(context, late_batch)),
      members(std::make_shared<member_table>(context, agreed, options.ring, options.health)),
      tickets(std::make_shared<change_tickets>(context->env)) {}

void engine::impl::reclaim() {
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

engine::engine(environment& env, identity self, engine_options options)
    : impl_([&] {
        check(options.hedge);
        if (self.incarnation == 0) self.incarnation = env.random() | 1;
        auto context = std::make_shared<engine_context>(env);
        context->self = std::move(self);
        context->self.ring = options.ring;
        check(context->self);
        context->rules = options.rules;
        context->hash_seed = env.hash_seed();
        context->gutter_epoch = env.random() | 1;
        context->hedges = std::make_unique<hedge_table>(env, options.hedge, options.rules);
        if (!context->hedges->is_on()) context->hedges.reset();
        return std::make_shared<impl>(std::move(context), options);
      }()) {
  auto& context = *impl_->context;
  context.agreed = impl_->agreed;
  context.keyspaces = impl_;
  context.members = impl_->members;
  impl_->members->begin();
  impl_->reclaim();
}

engine::~engine() {
  stop();
}

void engine::advertise(std::string address) {
  impl_->context->self.address = std::move(address);
  impl_->members->begin();
}

void engine::join(peer_network& network) {
  impl_->context->network = &network;
  if (auto* hedges = impl_->context->hedges.get()) hedges->start(network, impl_->members);
  impl_->agreed->join_cluster();
  impl_->members->start_probing();
}

void engine::set_candidates(std::vector<candidate> candidates) {
  impl_->members->set_candidates(std::move(candidates));
}

const identity& engine::self() const noexcept {
  return impl_->context->self;
}

environment& engine::env() const noexcept {
  return impl_->context->env;
}

std::shared_ptr<const ring> engine::ring() const {
  return impl_->context->route.get()->ring;
}

std::uint64_t engine::view_digest() const {
  return impl_->context->route.digest();
}

key_place engine::place_of(std::string_view keyspace, std::string_view key) const {
  const auto route = impl_->context->route.get();
  const auto slot = slot_of(keyspace, key);
  return {slot, route->ring->owner(slot).id, route->ring->gutter(slot).id};
}

std::vector<member_status> engine::members() const {
  auto all = impl_->members->status();
  const auto& drift = impl_->members->drift();
  std::set<std::string> counted;
  for (auto& id : impl_->agreed->members()) counted.insert(std::move(id));
  for (auto& each : all) {
    counted.erase(each.id);
    each.is_granting = each.is_self || (each.is_linked && impl_->agreed->is_granting(each.id));
    if (each.is_self) continue;
    each.feed_lag = impl_->agreed->feed_lag(each.id);
    each.config = drift.state_of(each.id);
    each.differences = drift.differences_to(each.id);
  }
  // A node that is no longer named still counts until a majority has removed it.
  for (const auto& id : counted) {
    member_status gone{.id = id, .address = {}, .state = member_state::unreachable};
    gone.feed_lag = impl_->agreed->feed_lag(id);
    all.push_back(std::move(gone));
  }
  return all;
}

lease_status engine::lease() const {
  auto out = impl_->agreed->status();
  if (out.is_valid) return out;
  if (const auto conflict = id_conflict()) out.why = "no lease: " + conflict->text;
  return out;
}

settling_progress engine::settling() const {
  return {
      .has_had_slots = impl_->members->has_had_slots(),
      .is_relied_on = impl_->agreed->has_granted(impl_->members->reachable()),
  };
}

std::optional<weir::id_conflict> engine::id_conflict() const {
  auto found = impl_->members->conflict();
  // Of two nodes that meet no other, the one that has worked before is not to blame.
  const auto& agreed = *impl_->agreed;
  const bool has_worked = agreed.stats().lease_losses != 0 || agreed.status().is_valid;
  return found && !found->is_said_by_other && has_worked ? std::nullopt : found;
}

change_stats engine::changes() const {
  return impl_->agreed->stats();
}

hedge_stats engine::hedges() const {
  return impl_->context->hedges ? impl_->context->hedges->stats() : hedge_stats();
}

result<void> engine::forget(std::string_view id) {
  return impl_->agreed->forget(id);
}

void engine::on_event(std::function<void(const cluster_event&)> listener) {
  impl_->members->on_event(std::move(listener));
}

void engine::hand_over(time_point deadline, completion<std::size_t> done) {
  if (impl_->context->network == nullptr || impl_->members->linked_addresses().empty()) {
    return std::move(done)(0);
  }
  impl_->members->give_up_slots();
  std::deque<weir::hand_over::item> items;
  std::uint64_t left = max_handed_over;
  impl_->for_each_keyspace([&](keyspace_core& each) {
    const auto used = each.stats().bytes;
    for (auto& key : each.held().hottest(left))
      items.push_back({std::string(each.options().name()), std::move(key)});
    left -= std::min<std::uint64_t>(left, used);
  });
  std::make_shared<weir::hand_over>(impl_->context, std::move(items), deadline, std::move(done))
      ->begin();
}

void engine::leave(time_point deadline, completion<> done) {
  struct goodbye {
    std::atomic<std::size_t> missing;
    completion<> done;
  };

  impl_->agreed->leave();
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
    impl_->context->network
        ->call(each, std::move(message), deadline, [state](const result<peer_reply>&) {
          if (state->missing.fetch_sub(1) == 1) std::move(state->done)();
        });
  }
}

void engine::set_report(std::function<std::string()> make) {
  impl_->make_report = std::move(make);
}

void engine::impl::ask_reports(
    const std::vector<member_status>& all, time_point deadline, completion<result<reports>> done
) {
  struct gathered {
    engine::impl::reports reports;
    std::atomic<std::size_t> missing;
    completion<result<engine::impl::reports>> done;

    void one_less() {
      if (missing.fetch_sub(1) == 1) std::move(done)(std::move(reports));
    }
  };

  const auto state = std::make_shared<gathered>();
  std::vector<std::string> addresses;
  for (const auto& each : all) {
    if (each.is_self || each.id.empty()) continue;
    state->reports.push_back({.id = each.id, .text = {}, .error = errc::unavailable});
    addresses.push_back(each.state == member_state::reachable ? each.address : std::string());
  }
  state->missing = addresses.size() + 1;
  state->done = std::move(done);
  for (std::size_t i = 0; i != addresses.size(); ++i) {
    auto take = [state, i](result<peer_reply> reply) {
      auto& told = state->reports[i];
      auto* got = reply ? std::get_if<report_reply>(&reply->body) : nullptr;
      told.error = reply ? error_code(errc::protocol) : reply.error();
      if (got != nullptr) told.error = got->error;
      if (got != nullptr) told.text = std::move(got->text);
      state->one_less();
    };
    if (addresses[i].empty()) {
      state->one_less();
      continue;
    }
    peer_request message{
        .view_digest = context->route.digest(),
        .timeout = std::chrono::ceil<milliseconds>(deadline - context->env.now()),
        .body = report_request{},
    };
    context->network->call(addresses[i], std::move(message), deadline, std::move(take));
  }
  state->one_less();
}

asio::awaitable<std::vector<member_report>> engine::async_reports(milliseconds timeout) {
  const auto self = impl_;
  const auto deadline = env().now() + timeout;
  auto ask = [self, all = members(), deadline](completion<result<impl::reports>> done) {
    self->ask_reports(all, deadline, std::move(done));
  };
  auto told = co_await await_result<impl::reports>(std::move(ask));
  if (!told) co_return std::vector<member_report>();  // the caller was cancelled
  co_return std::move(*told);
}

void engine::stop() {
  std::vector<std::shared_ptr<keyspace_core>> all;
  {
    const std::lock_guard lock(impl_->mutex);
    if (std::exchange(impl_->is_stopped, true)) return;
    impl_->context->env.cancel(impl_->timer);
    all = impl_->take_retired({});
    // They stay, closed: later requests hear "unavailable", not "no keyspace".
    for (const auto& [name, each] : impl_->keyspaces) all.push_back(each);
  }
  if (impl_->context->hedges) impl_->context->hedges->stop();
  impl_->members->stop();
  impl_->agreed->stop();
  for (const auto& each : all) each->close(errc::unavailable);
}

void engine::on_link_up(const std::string& address, const identity& peer) {
  impl_->members->link_up(address, peer);
}

void engine::on_link_down(const std::string& address, link_loss cause) {
  impl_->members->link_down(address, cause);
}

void engine::on_peer_seen(const identity& peer) {
  impl_->members->peer_seen(peer);
}

void engine::on_id_conflict(const weir::id_conflict& found) {
  impl_->members->id_taken(found);
}

}  // namespace weir
