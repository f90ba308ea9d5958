// The record side of the agreement, in the order of a change: announce, send_round, append, pump,
// watch, batch_ended, settle; take() is the other end. Members that do not confirm:
// agreement_votes.cpp.

#include "agreement/agreement.hpp"
#include "async/await.hpp"

#include <algorithm>

namespace weir {
namespace {

constexpr std::size_t most_journal_records = 65'536;
constexpr std::size_t most_journal_bytes = 16u << 20;
constexpr std::size_t most_records_at_once = 512;
constexpr std::size_t most_bytes_at_once = 256u << 10;
constexpr std::size_t most_waiting_bytes = 32u << 20;  // of changes that go round at once
constexpr std::size_t bytes_of_a_wait = 2'048;         // with its frames, about
constexpr milliseconds batch_timeout{2'000};
constexpr milliseconds retry_after{200};

}  // namespace

asio::awaitable<agreement::outcome> agreement::announce(
    change_record record, int rounds, time_point deadline
) {
  const auto began = context_->env.now();
  const auto& rules = context_->rules;
  round last;
  int complete = 0;  // rounds so far that reached all who count now
  int needed = rules.two_rounds_without_owner ? rounds : 1;
  for (;;) {
    // What this node kept meanwhile, it drops as the others do.
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
      // Who takes another node for the owner may fetch from it what it has not heard to drop: all
      // hear of the change, and then all once more.
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

/// How an announcement ended that not all confirmed in time.
agreement::outcome agreement::outcome_of(const round& last, bool was_enough) {
  outcome out;
  bool is_hinted = last.number != 0 && was_enough;
  for (const auto& [id, each] : streams_) {
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
  if (is_stopped_ || waiting_bytes_ > most_waiting_bytes) return false;
  if (!is_in_cluster_) return true;
  // A node that has just started does not know who counted before, until a majority of those it was
  // told of has answered.
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
      const auto bytes = bytes_of_a_wait + size_of(record);
      of.number = append(record);
      const wait_key key{of.number, ++last_wait_};
      waits_.emplace(key, wait{.bytes = bytes, .done = std::move(done)});
      waiting_bytes_ += bytes;
      for (const auto& [id, each] : streams_) pump(id, todo);
      settle(todo);
      if (const auto added = waits_.find(key); added != waits_.end()) {
        added->second.timer = context_->env.schedule(deadline, [weak = weak_from_this(), key] {
          if (const auto self = weak.lock()) self->give_up(key);
        });
      }
    }
  }
  run(todo);
}

void agreement::give_up(const wait_key& waiting) {
  completion<result<void>> done;
  {
    const std::lock_guard lock(mutex_);
    const auto found = waits_.find(waiting);
    if (found == waits_.end()) return;
    done = std::move(found->second.done);
    waiting_bytes_ -= found->second.bytes;
    waits_.erase(found);
  }
  std::move(done)(errc::deadline_exceeded);
}

std::uint64_t agreement::append(change_record record) {
  if (streams_.empty()) return last_;
  journal_bytes_ += size_of(record);
  journal_.push_back({std::move(record), context_->env.now()});
  ++last_;
  while (journal_.size() > most_journal_records || journal_bytes_ > most_journal_bytes) {
    drop_oldest();
  }
  return last_;
}

void agreement::drop_oldest() {
  journal_bytes_ -= size_of(journal_.front().record);
  journal_.pop_front();
}

// What every member has confirmed is never sent again.
void agreement::trim_journal() {
  auto acked = last_;
  for (const auto& [id, each] : streams_) acked = std::min(acked, each.acked);
  while (!journal_.empty() && last_ - journal_.size() < acked) drop_oldest();
}

void agreement::pump(const std::string& id, work& todo) {
  auto& to = streams_.at(id);
  if (to.acked >= last_ || is_stopped_) return;
  if (to.is_stalled) ask_votes(id, todo);  // who was silent before is voted about at once
  if (to.in_flight) return;
  const auto address = address_of(id);
  if (address.empty()) return stall(id, todo);
  const auto oldest = last_ - journal_.size() + 1;
  feed_request batch;
  batch.note.digest = who_.digest();
  batch.after_ping = to.pings;
  batch.first = to.acked + 1;
  if (batch.first < oldest) {
    batch.first = oldest;
    batch.is_reset = true;
    ++stats_.resets;
  }
  std::size_t bytes = 0;
  for (auto number = batch.first; number <= last_; ++number) {
    const auto& [record, since] = journal_[number - oldest];
    bytes += size_of(record);
    if (!batch.records.empty() &&
        (bytes > most_bytes_at_once || batch.records.size() == most_records_at_once))
      break;
    batch.records.push_back(record);
    if (record.ttl == milliseconds(0)) continue;
    auto& pushed = batch.records.back();
    const auto waited = std::chrono::ceil<milliseconds>(context_->env.now() - since);
    pushed.age += waited;
    pushed.ttl -= waited;
    if (pushed.ttl <= milliseconds(0)) pushed = without_value(record);
  }
  const auto end = batch.first + batch.records.size() - 1;
  to.in_flight = true;
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
    const auto found = streams_.find(id);
    if (found == streams_.end()) return;
    auto& of = found->second;
    of.is_watched = false;
    if (!of.in_flight) return;
    if (of.sent == sent) {
      stall(id, todo);
      settle(todo);  // where nobody else votes, this node's own word is enough
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
    const auto found = streams_.find(id);
    if (found == streams_.end()) return;
    auto& to = found->second;
    to.in_flight = false;
    const auto* got = reply ? std::get_if<feed_reply>(&reply->body) : nullptr;
    if (got != nullptr) {
      const auto before = who_.changes();
      hear(id, got->note);
      if (got->note.digest != who_.digest() || reply->view_digest != context_->route.digest())
        ++disagreements_;
      if (got->applied >= last) {
        to.acked = std::max(to.acked, last);
        to.settled = std::max(to.settled, to.acked);
        to.hinted = std::max(to.hinted, to.acked);
        to.is_stalled = to.is_outvoted = false;
        trim_journal();
      }
      if (who_.changes() != before) views_changed(todo);
    }
    if (streams_.contains(id)) {
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
    const auto found = streams_.find(id);
    if (found == streams_.end()) return;
    found->second.is_retrying = false;
    pump(id, todo);
  }
  run(todo);
}

void agreement::stall(const std::string& id, work& todo) {
  auto& of = streams_.at(id);
  of.is_stalled = true;
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
  // A pushed value may have been on its way since this node's last ping that its sender knew.
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

// A newcomer that this node has not met yet may order changes already: what it says is dropped here
// as well, and nothing of what it says about others, or brings along, is taken.
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
  if (waits_.empty() || !are_strangers_leaseless()) return;
  auto settled = last_;
  for (const auto& [id, each] : streams_) {
    const bool is_given_up = each.is_stalled && !context_->rules.wait_for_all;
    if (!is_given_up) settled = std::min(settled, each.settled);
  }
  while (!waits_.empty() && waits_.begin()->first.first <= settled) {
    auto ended = std::make_shared<wait>(std::move(waits_.begin()->second));
    waits_.erase(waits_.begin());
    waiting_bytes_ -= ended->bytes;
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
  const auto found = streams_.find(id);
  return found == streams_.end() ? 0 : last_ - std::min(last_, found->second.acked);
}

}  // namespace weir
