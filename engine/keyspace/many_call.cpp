// The part of a get_many that one node owns: asked there and, while that node is silent, at the
// gutter nodes of its keys too. The first answer to a key counts.

#include "keyspace/many.hpp"

#include <map>

namespace weir {

class keyspace_core::many_call final : public waiting_read {
 public:
  many_call(
      std::shared_ptr<keyspace_core> of,
      std::shared_ptr<many> whole,
      std::shared_ptr<const routing> route,
      std::uint16_t owner,
      std::vector<std::size_t> positions
  )
      : keyspace_(std::move(of)),
        whole_(std::move(whole)),
        route_(std::move(route)),
        owner_(owner),
        positions_(std::move(positions)),
        is_answered_(positions_.size()) {
    if (keyspace_->may_hedge(whole_->options.from)) peer_ = route_->waits[owner_];
  }

  ~many_call() override {
    if (peer_) peer_->end(*this, {}, hedge_line::ending::lost);
  }

  void send() {
    const auto self = std::static_pointer_cast<many_call>(shared_from_this());
    auto take = [self](result<peer_reply> reply) { self->owner_answered(std::move(reply)); };
    auto& network = *keyspace_->context_->network;
    const auto& address = route_->at(owner_).address;
    auto message = message_to(serve_as::owner, all());
    if (!peer_) return network.call(address, std::move(message), whole_->deadline, std::move(take));
    peer_->begin(*this, now());
    network.call_watched(address, std::move(message), whole_->deadline, std::move(take), self);
  }

  void on_loading() override { peer_->told(*this, now()); }

  void hedge() override {
    std::map<std::uint16_t, std::vector<std::size_t>> by_gutter;
    for (std::size_t n = 0; n != positions_.size(); ++n) {
      const auto slot = slot_of(keyspace_->options_.name(), key(n));
      by_gutter[route_->ring->gutter_index(slot)].push_back(n);
    }
    bool is_sent = false;
    for (auto& [gutter, some] : by_gutter) {
      if (!keyspace_->can_stand_in(*route_, owner_, gutter)) continue;
      is_sent = true;
      ask_gutter(gutter, std::move(some));
    }
    if (!is_sent) return;
    is_hedged_ = true;
    ++counts().sent;
  }

 private:
  using places = std::vector<std::size_t>;  // in positions_

  hedge_world& counts() const noexcept { return keyspace_->context_->hedges->counts(); }

  time_point now() const noexcept { return keyspace_->env().now(); }

  const std::string& key(std::size_t n) const { return whole_->keys[positions_[n]]; }

  places all() const {
    places out(positions_.size());
    for (std::size_t n = 0; n != out.size(); ++n) out[n] = n;
    return out;
  }

  peer_request message_to(serve_as role, const places& some) const {
    get_many_request request{.keyspace = keyspace_->options_.name(), .role = role};
    for (const auto n : some) request.keys.push_back(key(n));
    return {
        .view_digest = route_->members.digest(),
        .timeout = std::chrono::ceil<milliseconds>(whole_->deadline - now()),
        .body = std::move(request),
    };
  }

  /// True for the first answer to the key: only that one counts.
  bool claim(std::size_t n) { return !is_answered_[n].exchange(true); }

  void answer(std::size_t n, result<lookup> with) {
    keyspace_->count_read(with, whole_->options.attempt);
    whole_->answer(positions_[n], std::move(with));
  }

  void ask_gutter(std::uint16_t gutter, places some) {
    const auto self = std::static_pointer_cast<many_call>(shared_from_this());
    auto message = message_to(serve_as::gutter, some);
    if (gutter == route_->self) {
      auto take = [self, some = std::move(some)](get_many_reply reply) {
        self->gutter_answered(std::move(reply), some, {});
      };
      auto& request = std::get<get_many_request>(message.body);
      return keyspace_->serve_many(std::move(request), message.timeout, std::move(take));
    }
    auto take = [self, some = std::move(some), id = route_->at(gutter).id](result<peer_reply> reply
                ) {
      auto* got = reply ? std::get_if<get_many_reply>(&reply->body) : nullptr;
      if (got != nullptr) self->gutter_answered(std::move(*got), some, id);
    };
    keyspace_->context_->network->call(
        route_->at(gutter).address, std::move(message), whole_->deadline, std::move(take)
    );
  }

  // What it could not answer waits for the owner.
  void gutter_answered(get_many_reply reply, const places& some, const std::string& id) {
    bool has_won = false;
    for (std::size_t i = 0; i != some.size() && i != reply.answers.size(); ++i) {
      auto& each = reply.answers[i];
      if (each.error || !claim(some[i])) continue;
      has_won = true;
      if (each.answer.entry.from.node.empty()) each.answer.entry.from.node = id;
      answer(some[i], std::move(each.answer));
    }
    if (has_won && !has_won_.exchange(true)) ++counts().won;
  }

  void owner_answered(result<peer_reply> reply) {
    using enum hedge_line::ending;
    if (peer_) peer_->end(*this, now(), reply ? answered : lost);
    if (is_hedged_ && !has_won_) ++counts().lost;
    auto* got = reply ? std::get_if<get_many_reply>(&reply->body) : nullptr;
    const bool is_late = !reply && reply.error() == errc::deadline_exceeded;
    for (std::size_t n = 0; n != positions_.size(); ++n) {
      if (!claim(n)) continue;
      if (is_late) {
        answer(n, errc::deadline_exceeded);
      } else if (got == nullptr || n >= got->answers.size() ||
                 got->answers[n].error == errc::not_owner ||
                 got->answers[n].error == errc::no_keyspace) {
        find_alone(n);
      } else if (auto& each = got->answers[n]; each.error) {
        answer(n, each.error);
      } else {
        if (each.answer.entry.from.node.empty())
          each.answer.entry.from.node = route_->at(owner_).id;
        answer(n, std::move(each.answer));
      }
    }
  }

  void find_alone(std::size_t n) {
    auto options = whole_->options;
    options.timeout = std::chrono::ceil<milliseconds>(whole_->deadline - now());
    auto one = [whole = whole_, position = positions_[n]](result<lookup> with) {
      // The keyspace was there when this read began.
      if (!with && with.error() == errc::no_keyspace) with = errc::unavailable;
      whole->answer(position, std::move(with));
    };
    keyspace_->find(key(n), options, std::move(one), whole_->batch);
  }

  const std::shared_ptr<keyspace_core> keyspace_;
  const std::shared_ptr<many> whole_;
  const std::shared_ptr<const routing> route_;
  const std::uint16_t owner_;
  const std::vector<std::size_t> positions_;  // of the whole, in the order of the request
  std::vector<std::atomic<bool>> is_answered_;
  std::atomic<bool> is_hedged_{false}, has_won_{false};
  std::shared_ptr<hedged_peer> peer_;  // null = not hedged
};

void keyspace_core::ask_many(
    std::shared_ptr<many> state,
    const std::shared_ptr<const routing>& route,
    std::uint16_t owner,
    std::vector<std::size_t> positions
) {
  auto call = std::make_shared<many_call>(
      shared_from_this(), std::move(state), route, owner, std::move(positions)
  );
  call->send();
}

}  // namespace weir
