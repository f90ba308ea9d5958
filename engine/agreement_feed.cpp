// The record side of the agreement, in the order of a change: announce, append, pump, and for
// members that do not confirm: ask_votes, take_vote, count_votes.

#include "agreement.hpp"
#include "await.hpp"

#include <algorithm>

namespace weir {
namespace {

constexpr std::size_t most_journal_records = 65'536;
constexpr std::size_t most_journal_bytes = 16u << 20;
constexpr std::size_t most_records_at_once = 512;
constexpr std::size_t most_bytes_at_once = 256u << 10;
constexpr std::size_t most_records_to_vote = 4'096;
constexpr std::size_t most_bytes_to_vote = 768u << 10;
constexpr milliseconds batch_timeout{2'000};
constexpr milliseconds relay_timeout{200};
constexpr milliseconds retry_after{200};
constexpr milliseconds ask_again_after{100};
constexpr milliseconds ask_again_idle{1'000};

std::size_t size_of(const change_record& record) {
  return 64 + record.keyspace.size() + record.key.size() + record.value.size();
}

change_record without_value(const change_record& from) {
  return {.keyspace = from.keyspace, .key = from.key, .version = from.version};
}

}  // namespace

/// One round of votes about one member.
struct agreement::poll {
  member_life missing;
  std::uint64_t up_to = 0;
  std::set<std::string> kept_by;
  std::set<std::string> leaseless_by;
  std::size_t outstanding = 0;
  bool is_over = false;  ///< decided; what still comes in only adds to it
};

asio::awaitable<agreement::outcome> agreement::announce(
    change_record record, int rounds, time_point deadline
) {
  const auto began = context_->env.now();
  std::uint64_t number = 0;
  for (int round = 1;; ++round) {
    std::uint64_t digest = 0;
    std::uint64_t disagreements = 0;
    // What this node kept meanwhile, it drops as the others do.
    context_->apply_record(record, milliseconds(0));
    auto wait_for_all = [&](completion<result<void>> done) {
      work todo;
      {
        const std::lock_guard lock(mutex_);
        digest = who_.digest();
        disagreements = disagreements_;
        const bool is_known =
            !is_in_cluster_ || has_candidates_ || !context_->rules.lone_only_when_told;
        // A node that has just started does not know who counted before, until half of those it was
        // told of answer.
        has_met_majority_ = has_met_majority_ || who_.has_met_majority();
        const bool knows_views =
            !is_in_cluster_ || has_met_majority_ || !context_->rules.agree_on_views;
        if (is_stopped_ || !is_known || !who_.outnumbers_unproven() || !knows_views) {
          todo.push_back([done = std::make_shared<completion<result<void>>>(std::move(done))] {
            std::move (*done)(errc::unavailable);
          });
        } else {
          number = append(record, todo);
          auto added = std::make_shared<wait>();
          added->number = number;
          added->done = std::move(done);
          waits_.push_back(added);
          settle(todo);
          if (!waits_.empty() && waits_.back() == added) {
            added->timer = context_->env.schedule(deadline, [weak = weak_from_this(), added] {
              const auto self = weak.lock();
              if (!self) return;
              {
                const std::lock_guard again(self->mutex_);
                if (std::erase(self->waits_, added) == 0) return;
              }
              std::move(added->done)(errc::deadline_exceeded);
            });
          }
        }
      }
      run(todo);
    };
    const auto settled = co_await await_result<void>(wait_for_all);
    const std::lock_guard lock(mutex_);
    if (!settled) {
      outcome out;
      bool is_hinted = number != 0 && round >= rounds;
      for (const auto& [id, each] : streams_) {
        if (each.settled >= number) continue;
        out.unconfirmed.push_back(id);
        is_hinted &= each.hinted >= number;
      }
      if (is_hinted && !out.unconfirmed.empty()) {
        ++stats_.partial;
      } else {
        ++stats_.failed;
        out.error = errc::unavailable;
      }
      co_return out;
    }
    const bool is_other_view =
        digest != who_.digest() || (round == 1 && disagreements != disagreements_);
    const bool must_repeat = context_->rules.two_rounds_across_views && is_other_view;
    const bool is_done =
        round >= rounds || (rounds > 1 && !context_->rules.two_rounds_without_owner);
    if (!is_done || must_repeat) continue;
    ++stats_.ok;
    const auto took =
        std::chrono::duration_cast<std::chrono::microseconds>(context_->env.now() - began);
    stats_.longest = std::max(stats_.longest, took);
    stats_.duration.add(took);
    co_return outcome{};
  }
}

std::uint64_t agreement::append(change_record record, work& todo) {
  if (streams_.empty()) return last_;
  journal_bytes_ += size_of(record);
  journal_.push_back({std::move(record), context_->env.now()});
  ++last_;
  while (journal_.size() > most_journal_records || journal_bytes_ > most_journal_bytes) {
    journal_bytes_ -= size_of(journal_.front().record);
    journal_.pop_front();
  }
  for (const auto& [id, each] : streams_) pump(id, todo);
  return last_;
}

void agreement::pump(const std::string& id, work& todo) {
  auto& to = streams_.at(id);
  if (to.acked >= last_ || is_stopped_) return;
  if (to.is_stalled) ask_votes(id, todo);  // who was silent before is voted about at once
  if (to.in_flight) return;
  const auto address = context_->address_of(id);
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
      const auto before = who_.digest();
      hear(id, got->note);
      if (got->note.digest != who_.digest() || reply->view_digest != context_->route.digest())
        ++disagreements_;
      if (got->applied >= last) {
        to.acked = std::max(to.acked, last);
        to.settled = std::max(to.settled, to.acked);
        to.hinted = std::max(to.hinted, to.acked);
        to.is_stalled = false;
      }
      if (who_.digest() != before) views_changed(todo);
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

void agreement::ask_votes(const std::string& id, work& todo) {
  auto& of = streams_.at(id);
  if (of.is_polling || of.settled >= last_ || is_stopped_) return;
  of.is_polling = true;
  ++stats_.votes_asked;
  auto asked = std::make_shared<poll>();
  asked->missing = {id, who_.incarnation_of(id)};
  asked->up_to = last_;
  vote_request request;
  request.note.digest = who_.digest();
  request.missing = asked->missing;
  const auto oldest = last_ - journal_.size() + 1;
  std::size_t bytes = 0;
  request.must_flush = of.settled + 1 < oldest || last_ - of.settled > most_records_to_vote;
  for (auto number = of.settled + 1; !request.must_flush && number <= last_; ++number) {
    request.records.push_back(without_value(journal_[number - oldest].record));
    bytes += size_of(request.records.back());
    request.must_flush = bytes > most_bytes_to_vote;
  }
  if (request.must_flush) request.records.clear();

  vote_reply mine;
  vote_here(request, mine);
  if (mine.is_kept) asked->kept_by.insert(who_.self().id);
  if (mine.is_leaseless) asked->leaseless_by.insert(who_.self().id);
  std::vector<std::pair<std::string, std::string>> voters;
  for (const auto& voter : who_.everyone()) {
    if (voter == id || voter == who_.self().id) continue;
    if (auto address = context_->address_of(voter); !address.empty())
      voters.emplace_back(voter, std::move(address));
  }
  asked->outstanding = voters.size();
  count_votes(asked, todo);
  if (voters.empty()) return;
  todo.push_back(
      [self = shared_from_this(), asked, voters = std::move(voters), request = std::move(request)] {
        const auto deadline = self->context_->env.now() + self->grace_ + relay_timeout;
        for (const auto& [voter, address] : voters) {
          peer_request message{
              .view_digest = self->context_->route.digest(),
              .timeout = self->grace_ + relay_timeout,
              .body = request,
          };
          auto take = [weak = self->weak_from_this(), asked, by = voter](result<peer_reply> reply) {
            if (const auto that = weak.lock()) that->take_vote(asked, by, std::move(reply));
          };
          self->context_->network->call(address, std::move(message), deadline, std::move(take));
        }
      }
  );
}

void agreement::take_vote(
    const std::shared_ptr<poll>& of, const std::string& voter, result<peer_reply> reply
) {
  work todo;
  {
    const std::lock_guard lock(mutex_);
    --of->outstanding;
    if (const auto* got = reply ? std::get_if<vote_reply>(&reply->body) : nullptr) {
      const auto before = who_.digest();
      hear(voter, got->note);
      if (got->note.digest != who_.digest() || reply->view_digest != context_->route.digest())
        ++disagreements_;
      if (got->is_kept) of->kept_by.insert(voter);
      if (got->is_kept && got->is_leaseless) of->leaseless_by.insert(voter);
      if (got->is_delivered) {
        if (const auto found = streams_.find(of->missing.id); found != streams_.end()) {
          found->second.settled = std::max(found->second.settled, of->up_to);
          found->second.hinted = std::max(found->second.hinted, of->up_to);
        }
      }
      if (who_.digest() != before) views_changed(todo);
    }
    count_votes(of, todo);
    settle(todo);
  }
  run(todo);
}

void agreement::count_votes(const std::shared_ptr<poll>& of, work& todo) {
  const auto found = streams_.find(of->missing.id);
  if (found == streams_.end()) return;
  auto& missing = found->second;
  const auto has_kept = [&](const std::string& id) { return of->kept_by.contains(id); };
  const auto votes = [&](const std::string& id) { return of->leaseless_by.contains(id); };
  if (who_.can_block(of->missing.id, has_kept))
    missing.hinted = std::max(missing.hinted, of->up_to);
  if (who_.can_block(of->missing.id, votes)) {
    missing.settled = std::max(missing.settled, of->up_to);
    missing.hinted = std::max(missing.hinted, of->up_to);
  }
  const bool is_settled = missing.settled >= of->up_to;
  if (of->outstanding != 0 && !is_settled) return;
  if (std::exchange(of->is_over, true)) return;
  missing.is_polling = false;
  if (!missing.is_stalled || missing.settled >= last_) return;
  // More records came meanwhile, or too few votes: again, at once or after a while.
  const auto id = of->missing.id;
  if (is_settled) {
    todo.push_back([weak = weak_from_this(), id] {
      if (const auto self = weak.lock()) self->ask_again(id);
    });
  } else {
    later(waits_.empty() ? ask_again_idle : ask_again_after, [id](agreement& self) {
      self.ask_again(id);
    });
  }
}

void agreement::ask_again(const std::string& id) {
  work todo;
  {
    const std::lock_guard lock(mutex_);
    const auto found = streams_.find(id);
    if (found == streams_.end() || !found->second.is_stalled) return;
    ask_votes(id, todo);
    settle(todo);
  }
  run(todo);
}

void agreement::vote_here(const vote_request& request, vote_reply& reply) {
  const auto& missing = request.missing;
  const auto current = who_.incarnation_of(missing.id);
  const bool is_same_life = current == 0 || current == missing.incarnation;
  if (context_->rules.keep_hints) hints_.keep(missing.id, request.records, request.must_flush);
  reply.is_kept = true;
  reply.is_leaseless =
      !is_leaving_ && is_same_life && granted_.is_over(missing, context_->env.now());
}

void agreement::take(const identity& from, vote_request request, completion<vote_reply> done) {
  work todo;
  vote_reply reply;
  std::string address;
  {
    const std::lock_guard lock(mutex_);
    const auto before = who_.digest();
    hear(from.id, request.note);
    vote_here(request, reply);
    if (!reply.is_leaseless) address = context_->address_of(request.missing.id);
    if (who_.digest() != before) views_changed(todo);
    reply.note = note_for(request.note.digest);
  }
  run(todo);
  if (address.empty()) return std::move(done)(std::move(reply));
  // It may be that only the way from the origin is cut.
  relay_request records{
      .note = {.digest = reply.note.digest, .state = nullptr},
      .must_flush = request.must_flush,
      .records = std::move(request.records),
  };
  peer_request message{
      .view_digest = context_->route.digest(),
      .timeout = relay_timeout,
      .body = std::move(records),
  };
  auto take = [weak = weak_from_this(),
               id = request.missing.id,
               reply = std::move(reply),
               done = std::move(done)](result<peer_reply> answer) mutable {
    const auto self = weak.lock();
    const auto* got = answer ? std::get_if<relay_reply>(&answer->body) : nullptr;
    if (self && got != nullptr) {
      work after;
      {
        const std::lock_guard lock(self->mutex_);
        const auto before = self->who_.digest();
        self->hear(id, got->note);
        reply.is_delivered = true;
        if (got->note.digest != self->who_.digest() ||
            answer->view_digest != self->context_->route.digest()) {
          reply.note.digest = 0;  // whom it went to has another view: the origin must know
        }
        if (self->who_.digest() != before) self->views_changed(after);
      }
      run(after);
    }
    std::move(done)(std::move(reply));
  };
  context_->network->call(
      address, std::move(message), context_->env.now() + relay_timeout, std::move(take)
  );
}

relay_reply agreement::take(const identity& from, const relay_request& request) {
  apply_hints(request.records, request.must_flush);
  const std::lock_guard lock(mutex_);
  who_.heard(from.id, request.note.digest);
  return {.note = note_for(request.note.digest)};
}

feed_reply agreement::take(const identity& from, const feed_request& request) {
  feed_reply reply;
  auto sent = time_point::min();
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
  if (request.is_reset) context_->distrust_everything();
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
    const auto before = who_.digest();
    hear(from.id, request.note);
    auto& of = intakes_[from.id];
    of.applied = std::max(of.applied, request.first + request.records.size() - 1);
    if (who_.digest() != before) views_changed(todo);
    reply.note = note_for(request.note.digest);
    reply.applied = of.applied;
  }
  run(todo);
  return reply;
}

void agreement::settle(work& todo) {
  auto settled = last_;
  for (const auto& [id, each] : streams_) {
    const bool is_given_up = each.is_stalled && !context_->rules.wait_for_all;
    if (!is_given_up) settled = std::min(settled, each.settled);
  }
  for (auto each = waits_.begin(); each != waits_.end();) {
    if ((*each)->number > settled) {
      ++each;
      continue;
    }
    todo.push_back([context = context_, ended = *each] {
      if (ended->timer != 0) context->env.cancel(ended->timer);
      std::move(ended->done)(result<void>());
    });
    each = waits_.erase(each);
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
