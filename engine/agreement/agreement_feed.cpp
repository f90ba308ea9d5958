// The record side of the agreement, in the order of a change: announce, send_round, append, pump,
// watch, batch_ended, settle; take() is the other end. Members that do not confirm:
// agreement_votes.cpp.

#include "agreement/agreement.hpp"
#include "async/await.hpp"

#include <algorithm>

namespace weir {
namespace {

constexpr milliseconds batch_timeout{2'000};
constexpr milliseconds retry_after{200};

}  // namespace

asio::awaitable<agreement::outcome> agreement::announce(
    change_record record, int rounds, time_point deadline
) {
  const auto began = context_->env.now();
  const auto& rules = context_->rules;
  round last;
  int complete = 0;  // rounds so far that reached every node that counts now
  int needed = rules.two_rounds_without_owner ? rounds : 1;
  for (;;) {
    // This node drops what it kept meanwhile, as the others do.
    context_->apply_record(record, milliseconds(0));
    auto wait_for_all = [&](completion<result<void>> done) {
      send_round(record, deadline, last, std::move(done));
    };
    const auto settled = co_await await_result<void>(wait_for_all);
    const std::lock_guard lock(mutex_);
    const bool has_changed = last.changes != who_.changes();
    const bool must_repeat = has_changed || last.disagreements != disagreements_;
    if (!settled) {
      const bool is_last = complete + 1 >= needed && !(needed == 1 ? must_repeat : has_changed);
      co_return outcome_of(last, is_last);
    }
    ++complete;
    if (rules.two_rounds_across_views) {
      // A node that takes another one for the owner may fetch from it what that one has not heard
      // to drop: every node hears of the change, and then every node once more.
      if (has_changed) complete = 0;
      if (must_repeat) needed = 2;
    }
    if (complete < needed) continue;
    ++stats_.ok;
    const auto took =
        std::chrono::duration_cast<std::chrono::microseconds>(context_->env.now() - began);
    stats_.longest = std::max(stats_.longest, took);
    stats_.duration.add(took);
    co_return outcome{};
  }
}

/// How an announcement ended that some members did not confirm in time.
agreement::outcome agreement::outcome_of(const round& last, bool was_enough) {
  outcome out;
  bool is_hinted = last.number != 0 && was_enough;
  for (const auto& [id, each] : feeds_.members()) {
    if (each.settled >= last.number) continue;
    out.unconfirmed.push_back(id);
    is_hinted &= each.hinted >= last.number;
  }
  if (is_hinted && !out.unconfirmed.empty()) {
    ++stats_.partial;
  } else {
    ++stats_.failed;
    out.error = errc::unavailable;
  }
  return out;
}

bool agreement::may_announce() const {
  if (is_stopped_ || feeds_.is_full()) return false;
  if (!is_in_cluster_) return true;
  // A node that has just started does not know which nodes counted before, until a majority of
  // those it was told of has answered.
  const bool knows_views = who_.has_begun() || !context_->rules.agree_on_views;
  const bool is_known = has_candidates_ || !context_->rules.lone_only_when_told;
  return is_known && knows_views && who_.is_half_here();
}

void agreement::send_round(
    const change_record& record, time_point deadline, round& of, completion<result<void>> done
) {
  work todo;
  {
    const std::lock_guard lock(mutex_);
    of = {.number = 0, .changes = who_.changes(), .disagreements = disagreements_};
    if (!may_announce()) {
      todo.push_back([done = std::make_shared<completion<result<void>>>(std::move(done))] {
        std::move (*done)(errc::unavailable);
      });
    } else {
      of.number = feeds_.append(record, context_->env.now());
      const auto key = feeds_.wait_for(of.number, size_of(record), std::move(done));
      for (const auto& [id, each] : feeds_.members()) pump(id, todo);
      settle(todo);
      if (auto* added = feeds_.find(key)) {
        added->timer = context_->env.schedule(deadline, [weak = weak_from_this(), key] {
          if (const auto self = weak.lock()) self->give_up(key);
        });
      }
    }
  }
  run(todo);
}

void agreement::give_up(const record_feeds::wait_key& waiting) {
  std::optional<record_feeds::wait> ended;
  {
    const std::lock_guard lock(mutex_);
    ended = feeds_.take(waiting);
  }
  if (ended) std::move(ended->done)(errc::deadline_exceeded);
}

void agreement::pump(const std::string& id, work& todo) {
  auto& to = feeds_.at(id);
  if (to.acked >= feeds_.last() || is_stopped_) return;
  if (to.is_stalled) ask_votes(id, todo);  // a member that was silent before is voted about at once
  if (to.is_in_flight) return;
  const auto address = address_of(id);
  if (address.empty()) return stall(id, todo);
  auto batch = feeds_.next_batch(to, context_->env.now());
  batch.note.digest = who_.digest();
  if (batch.is_reset) ++stats_.resets;
  const auto end = batch.first + batch.records.size() - 1;
  to.is_in_flight = true;
  const auto sent = ++to.sent;
  todo.push_back([self = shared_from_this(),
                  id,
                  address,
                  end,
                  batch = std::make_shared<feed_request>(std::move(batch))] {
    const auto deadline = self->context_->env.now() + batch_timeout;
    peer_request message{
        .view_digest = self->context_->route.digest(),
        .timeout = batch_timeout,
        .body = std::move(*batch),
    };
    auto take = [weak = self->weak_from_this(), id, end](result<peer_reply> reply) {
      if (const auto that = weak.lock()) that->batch_ended(id, end, std::move(reply));
    };
    self->context_->network->call(address, std::move(message), deadline, std::move(take));
  });
  if (std::exchange(to.is_watched, true)) return;
  later(grace_, [id, sent](agreement& self) { self.watch(id, sent); });
}

// One timer per member and grace, however many batches pass meanwhile.
void agreement::watch(const std::string& id, std::uint64_t sent) {
  work todo;
  {
    const std::lock_guard lock(mutex_);
    auto* found = feeds_.find(id);
    if (found == nullptr) return;
    auto& of = *found;
    of.is_watched = false;
    if (!of.is_in_flight) return;
    if (of.sent == sent) {
      stall(id, todo);
      settle(todo);  // where no other node votes, this node's vote is enough
    } else {
      of.is_watched = true;
      later(grace_, [id, last = of.sent](agreement& self) { self.watch(id, last); });
    }
  }
  run(todo);
}

void agreement::batch_ended(const std::string& id, std::uint64_t last, result<peer_reply> reply) {
  work todo;
  {
    const std::lock_guard lock(mutex_);
    auto* found = feeds_.find(id);
    if (found == nullptr) return;
    auto& to = *found;
    to.is_in_flight = false;
    const auto* got = reply ? std::get_if<feed_reply>(&reply->body) : nullptr;
    if (got != nullptr) {
      const auto before = who_.changes();
      hear(id, got->note);
      if (got->note.digest != who_.digest() || reply->view_digest != context_->route.digest())
        ++disagreements_;
      if (got->applied >= last) {
        feeds_.confirmed(to, last);
      }
      if (who_.changes() != before) views_changed(todo);
    }
    if (feeds_.find(id) != nullptr) {
      if (got != nullptr && got->applied >= last) {
        pump(id, todo);
      } else {
        stall(id, todo);
        if (!std::exchange(to.is_retrying, true)) {
          later(retry_after, [id](agreement& self) { self.link_changed(id); });
        }
      }
    }
    settle(todo);
  }
  run(todo);
}

void agreement::link_changed(const std::string& id) {
  work todo;
  {
    const std::lock_guard lock(mutex_);
    auto* found = feeds_.find(id);
    if (found == nullptr) return;
    found->is_retrying = false;
    pump(id, todo);
  }
  run(todo);
}

void agreement::stall(const std::string& id, work& todo) {
  feeds_.at(id).is_stalled = true;
  ask_votes(id, todo);
}

feed_reply agreement::take(const identity& from, const feed_request& request) {
  feed_reply reply;
  auto sent = time_point::min();
  bool is_known = false;
  {
    const std::lock_guard lock(mutex_);
    is_known = is_counted(from.id);
  }
  if (!is_known) return take_from_stranger(request);
  {
    const std::lock_guard lock(mutex_);
    auto& of = intakes_[from.id];
    if (of.incarnation != from.incarnation)
      of = {.incarnation = from.incarnation, .applied = request.first - 1};
    if (request.first > of.applied + 1 && !request.is_reset) {
      return {.note = note_for(request.note.digest), .applied = of.applied};
    }
    const auto ping = ping_times_.find({from.id, request.after_ping});
    if (ping != ping_times_.end()) sent = ping->second;
  }
  const auto all = context_->keyspaces.lock();
  if (request.is_reset && all) all->distrust_all();
  // A pushed value may have been on its way since the last ping of this node that its sender saw.
  for (const auto& each : request.records) {
    if (sent == time_point::min() || each.ttl <= milliseconds(0)) {
      context_->apply_record(without_value(each), milliseconds(0));
    } else {
      context_->apply_record(each, std::chrono::ceil<milliseconds>(context_->env.now() - sent));
    }
  }
  work todo;
  {
    const std::lock_guard lock(mutex_);
    const auto before = who_.changes();
    hear(from.id, request.note);
    auto& of = intakes_[from.id];
    of.applied = std::max(of.applied, request.first + request.records.size() - 1);
    if (who_.changes() != before) views_changed(todo);
    reply.note = note_for(request.note.digest);
    reply.applied = of.applied;
  }
  run(todo);
  return reply;
}

// A newcomer that this node has not met yet may order changes already: this node drops the keys
// that it names, and takes nothing that it says about others or brings along.
feed_reply agreement::take_from_stranger(const feed_request& request) {
  const auto all = context_->keyspaces.lock();
  if (request.is_reset && all) all->distrust_all();
  for (const auto& each : request.records) {
    context_->apply_record(without_value(each), milliseconds(0));
  }
  const std::lock_guard lock(mutex_);
  return {
      .note = note_for(request.note.digest),
      .applied = request.first + request.records.size() - 1,
  };
}

void agreement::settle(work& todo) {
  if (!feeds_.is_waited_for() || !are_strangers_leaseless()) return;
  for (auto& each : feeds_.take_settled(context_->rules.wait_for_all)) {
    auto ended = std::make_shared<record_feeds::wait>(std::move(each));
    todo.push_back([context = context_, ended = std::move(ended)] {
      if (ended->timer != 0) context->env.cancel(ended->timer);
      std::move(ended->done)(result<void>());
    });
  }
}

void agreement::later(milliseconds after, std::function<void(agreement&)> what) {
  const auto when = context_->env.now() + after;
  context_->env.schedule(when, [weak = weak_from_this(), what = std::move(what)] {
    if (const auto self = weak.lock()) what(*self);
  });
}

std::uint64_t agreement::feed_lag(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto* found = feeds_.find(id);
  return found == nullptr ? 0 : feeds_.last() - std::min(feeds_.last(), found->acked);
}

}  // namespace weir
