// A read that waits for its key's owner and, once that is silent, for the gutter node too.
//
// Invariant: one answer, the first that is any good; the gutter node loads only while nothing at
// all comes from the owner, and the owner's late answer is dropped.

#include "async/await.hpp"
#include "keyspace/keyspace_core.hpp"

namespace weir {
namespace {

bool is_good(const result<peer_reply>& reply) {
  const auto* got = reply ? std::get_if<get_reply>(&reply->body) : nullptr;
  return got != nullptr && !got->error;
}

}  // namespace

/// What ended the wait.
struct keyspace_core::first_word {
  peer_reply reply;
  bool is_of_gutter = false;
  time_point asked_at{};   ///< when the owner was asked
  time_point hedged_at{};  ///< when the gutter node was asked too; time_point{} = it was not
  time_point ended{};
};

class keyspace_core::owner_call final : public waiting_read {
 public:
  owner_call(
      std::shared_ptr<keyspace_core> of,
      std::shared_ptr<flight> read,
      std::shared_ptr<const routing> route,
      std::uint16_t owner
  )
      : keyspace_(std::move(of)),
        flight_(std::move(read)),
        route_(std::move(route)),
        owner_(owner),
        peer_(*route_->waits[owner]) {}

  ~owner_call() override { peer_.end(*this, {}, hedge_line::ending::lost); }

  void send(peer_request message, time_point now) {
    sent_at_ = now;
    peer_.begin(*this, now);
    const auto self = std::static_pointer_cast<owner_call>(shared_from_this());
    auto take = [self](result<peer_reply> reply) { self->owner_answered(std::move(reply)); };
    keyspace_->context_->network->call_watched(
        route_->at(owner_).address, std::move(message), flight_->deadline, std::move(take), self
    );
  }

  void on_loading() override { peer_.told(*this, keyspace_->env().now()); }

  void hedge() override {
    const auto gutter = route_->ring->gutter_index(flight_->slot);
    if (!keyspace_->can_stand_in(*route_, owner_, gutter)) return;
    const auto now = keyspace_->env().now();
    {
      const std::lock_guard lock(mutex_);
      if (is_over_ || is_owner_over_) return;
      is_gutter_asked_ = true;
      hedged_at_ = now;
    }
    ++keyspace_->context_->hedges->counts().sent;
    const auto self = std::static_pointer_cast<owner_call>(shared_from_this());
    auto request = keyspace_->request_of(*flight_, serve_as::gutter);
    auto message = keyspace_->message_of(*flight_, *route_, std::move(request), now);
    if (gutter == route_->self) {
      auto take = [self](get_reply reply) {
        self->gutter_answered(peer_reply{0, std::move(reply)});
      };
      auto& own = std::get<get_request>(message.body);
      return keyspace_->serve(std::move(own), message.timeout, std::move(take));
    }
    keyspace_->leave_at_gutter(*flight_);
    auto take = [self](result<peer_reply> reply) { self->gutter_answered(std::move(reply)); };
    keyspace_->context_->network->call(
        route_->at(gutter).address, std::move(message), flight_->deadline, std::move(take)
    );
  }

  awaited_answer<first_word> answer;

 private:
  void owner_answered(result<peer_reply> reply) {
    using enum hedge_line::ending;
    const auto now = keyspace_->env().now();
    peer_.end(*this, now, reply ? answered : lost);
    time_point hedged_at;
    {
      const std::lock_guard lock(mutex_);
      is_owner_over_ = true;
      const bool is_lost = !reply && reply.error() == errc::unavailable;
      if (is_over_ || (is_lost && is_gutter_asked_)) return;
      is_over_ = true;
      hedged_at = hedged_at_;
    }
    if (hedged_at != time_point{}) ++keyspace_->context_->hedges->counts().lost;
    if (!reply) return answer.give(reply.error());
    answer.give(first_word{std::move(*reply), false, sent_at_, hedged_at, now});
  }

  // What it could not answer waits for the owner.
  void gutter_answered(result<peer_reply> reply) {
    const bool has_won = is_good(reply);
    {
      const std::lock_guard lock(mutex_);
      is_gutter_asked_ = false;
      if (is_over_ || (!has_won && !is_owner_over_)) return;
      is_over_ = true;
    }
    auto& counts = keyspace_->context_->hedges->counts();
    ++(has_won ? counts.won : counts.lost);
    if (!has_won) return answer.give(errc::unavailable);
    const auto now = keyspace_->env().now();
    answer.give(first_word{std::move(*reply), true, sent_at_, hedged_at_, now});
  }

  const std::shared_ptr<keyspace_core> keyspace_;
  const std::shared_ptr<flight> flight_;
  const std::shared_ptr<const routing> route_;
  const std::uint16_t owner_;
  hedged_peer& peer_;  // the routing's
  time_point sent_at_{};
  std::mutex mutex_;
  time_point hedged_at_{};        // guarded by mutex_ until the gutter node is asked
  bool is_gutter_asked_ = false;  // and has not answered; guarded by mutex_
  bool is_owner_over_ = false;    // guarded by mutex_
  bool is_over_ = false;          // guarded by mutex_
};

// Not where only the owner may have the value, and not for callers that want the owner's answer.
bool keyspace_core::may_hedge(read_from from) const noexcept {
  if (!context_->hedges || from != read_from::near) return false;
  return store_ || options_.writes() == writes::deny || !context_->rules.spare_puts_from_hedges;
}

bool keyspace_core::can_stand_in(const routing& route, std::uint16_t owner, std::uint16_t gutter)
    const {
  if (gutter == route.self) return true;
  return gutter != owner && route.is_usable[gutter].load(std::memory_order_acquire) &&
         !route.waits[gutter]->is_suspect();
}

// True if the owner is so silent that only the gutter node is asked.
bool keyspace_core::goes_around(flight& f, const routing& route, std::uint16_t owner) {
  if (!may_hedge(f.from) || !route.is_usable[owner].load(std::memory_order_acquire)) return false;
  if (!route.waits[owner]->is_suspect()) return false;
  if (!can_stand_in(route, owner, route.ring->gutter_index(f.slot))) return false;
  ++context_->hedges->counts().redirected;
  if (f.explains) {
    auto what = route.at(owner).id + " is suspect: only the gutter node is asked";
    f.steps.push_back({context_->self.id, "hedge", std::move(what), {}});
  }
  return true;
}

asio::awaitable<result<first_answer>> keyspace_core::ask_or_hedge(
    const std::shared_ptr<flight>& flown,
    const std::shared_ptr<const routing>& route,
    std::uint16_t index,
    version held
) {
  flight& f = *flown;
  if (!may_hedge(f.from)) {
    auto reply = co_await ask(f, *route, index, serve_as::owner, held);
    if (!reply) co_return reply.error();
    co_return first_answer{std::move(*reply)};
  }
  if (!route->is_usable[index].load(std::memory_order_acquire)) co_return errc::unavailable;
  const auto began = env().now();
  auto request = request_of(f, serve_as::owner);
  request.held = held;
  auto message = message_of(f, *route, std::move(request), began);
  begin_asking(f, began);
  std::shared_ptr<awaited_answer<first_word>> waited;
  {
    auto call = std::make_shared<owner_call>(shared_from_this(), flown, route, index);
    call->send(std::move(message), began);
    waited = std::shared_ptr<awaited_answer<first_word>>(call, &call->answer);
  }
  result<first_word> first = errc::unavailable;
  if (waited->is_given()) {
    first = waited->take();
  } else {
    first = co_await answer_to(waited);
  }
  asked_peer peer{route->at(index).id, serve_as::owner, began, env().now()};
  if (!first) co_return take_reply(f, peer, first.error()).error();
  co_return take_first(f, *route, index, std::move(*first));
}

result<first_answer> keyspace_core::take_first(
    flight& f, const routing& route, std::uint16_t owner, first_word first
) {
  const auto gutter = route.ring->gutter_index(f.slot);
  if (f.explains && first.hedged_at != time_point{}) {
    const auto silent = first.hedged_at - first.asked_at;
    f.steps.push_back({
        context_->self.id,
        "hedge",
        route.at(owner).id + " was silent: gutter node " + route.at(gutter).id + " asked too",
        std::chrono::duration_cast<std::chrono::microseconds>(silent),
    });
  }
  if (first.is_of_gutter && gutter == route.self) {
    auto& own = std::get<get_reply>(first.reply.body);
    f.good_until = good_until(own.answer);
    for (auto& step : own.steps) f.steps.push_back(std::move(step));
    return first_answer{std::move(own), true};
  }
  const auto& id = route.at(first.is_of_gutter ? gutter : owner).id;
  const auto role = first.is_of_gutter ? serve_as::gutter : serve_as::owner;
  const auto began = first.is_of_gutter ? first.hedged_at : first.asked_at;
  auto reply = take_reply(f, {id, role, began, first.ended}, std::move(first.reply));
  if (!reply) return reply.error();
  return first_answer{std::move(*reply), first.is_of_gutter};
}

}  // namespace weir
