// What becomes of a record that a member does not confirm, in order: ask_votes, send_votes,
// vote_here and pass_on (at the nodes that are asked), take_vote, count_votes, ask_again.
//
// However many records wait, there is at most one round of votes about a member at a time, and
// after one that was not enough the next begins 100 ms later, as long as a change waits. A voter
// gets only what it does not keep yet.

#include "agreement/agreement.hpp"

#include <algorithm>

namespace weir {
namespace {

constexpr milliseconds relay_timeout{200};
constexpr milliseconds ask_again_after{100};

}  // namespace

/// One round of votes about one member.
struct agreement::poll {
  member_life missing;
  std::uint64_t up_to = 0;
  std::set<std::string> kept_by;
  std::set<std::string> leaseless_by;
  std::size_t outstanding = 0;
  bool is_over = false;  ///< decided; later votes only add to it

  void count(const std::string& voter, const vote_reply& said) {
    if (said.kept < up_to) return;
    kept_by.insert(voter);
    if (said.is_leaseless) leaseless_by.insert(voter);
  }
};

void agreement::ask_votes(const std::string& id, work& todo) {
  auto& of = feeds_.at(id);
  if (of.is_polling || of.settled >= feeds_.last() || is_stopped_ || !feeds_.is_waited_for())
    return;
  const auto earliest = of.polled + ask_again_after;
  if (!of.is_outvoted || context_->env.now() >= earliest) return ask_votes_now(id, todo);
  if (of.next_poll != 0) return;
  of.next_poll = context_->env.schedule(earliest, [weak = weak_from_this(), id] {
    if (const auto self = weak.lock()) self->ask_again(id);
  });
}

void agreement::ask_votes_now(const std::string& id, work& todo) {
  auto& of = feeds_.at(id);
  of.is_polling = true;
  of.polled = context_->env.now();
  ++stats_.votes_asked;
  auto asked = std::make_shared<poll>();
  asked->missing = {id, who_.incarnation_of(id)};
  asked->up_to = feeds_.last();
  const auto& self = context_->self;
  vote_reply mine;
  vote_here(self, votes_about(id, self.id), mine);
  of.kept_by[self.id] = mine.kept;
  asked->count(self.id, mine);
  std::vector<std::string> voters;
  for (const auto& voter : who_.everyone()) {
    const bool is_reachable = voter != id && voter != self.id && !address_of(voter).empty();
    if (is_reachable) voters.push_back(voter);
  }
  asked->outstanding = voters.size();
  count_votes(asked, todo);
  send_votes(asked, voters, todo);
}

vote_request agreement::votes_about(const std::string& missing, const std::string& voter) const {
  auto request = feeds_.unconfirmed(feeds_.at(missing), voter);
  request.note.digest = who_.digest();
  request.missing = {missing, who_.incarnation_of(missing)};
  return request;
}

void agreement::send_votes(
    const std::shared_ptr<poll>& asked, const std::vector<std::string>& voters, work& todo
) {
  for (const auto& voter : voters) {
    auto request = std::make_shared<vote_request>(votes_about(asked->missing.id, voter));
    todo.push_back([self = shared_from_this(),
                    asked,
                    voter,
                    address = address_of(voter),
                    request = std::move(request)] {
      const auto timeout = self->grace_ + relay_timeout;
      peer_request message{
          .view_digest = self->context_->route.digest(),
          .timeout = timeout,
          .body = std::move(*request),
      };
      auto take = [weak = self->weak_from_this(), asked, voter](result<peer_reply> reply) {
        if (const auto that = weak.lock()) that->take_vote(asked, voter, std::move(reply));
      };
      const auto deadline = self->context_->env.now() + timeout;
      self->context_->network->call(address, std::move(message), deadline, std::move(take));
    });
  }
}

void agreement::take_vote(
    const std::shared_ptr<poll>& of, const std::string& voter, result<peer_reply> reply
) {
  work todo;
  {
    const std::lock_guard lock(mutex_);
    --of->outstanding;
    if (const auto* got = reply ? std::get_if<vote_reply>(&reply->body) : nullptr) {
      const auto before = who_.changes();
      hear(voter, got->note);
      if (got->note.digest != who_.digest() || reply->view_digest != context_->route.digest())
        ++disagreements_;
      of->count(voter, *got);
      if (auto* missing = feeds_.find(of->missing.id)) {
        missing->kept_by[voter] = got->kept;
        if (got->is_delivered) record_feeds::settled(*missing, of->up_to);
      }
      if (who_.changes() != before) views_changed(todo);
    }
    count_votes(of, todo);
    settle(todo);
  }
  run(todo);
}

void agreement::count_votes(const std::shared_ptr<poll>& of, work& todo) {
  auto* found = feeds_.find(of->missing.id);
  if (found == nullptr) return;
  auto& missing = *found;
  const auto has_kept = [&](const std::string& id) { return of->kept_by.contains(id); };
  const auto votes = [&](const std::string& id) { return of->leaseless_by.contains(id); };
  if (who_.can_block(of->missing.id, has_kept)) record_feeds::hinted(missing, of->up_to);
  if (who_.can_block(of->missing.id, votes)) record_feeds::settled(missing, of->up_to);
  const bool is_settled = missing.settled >= of->up_to;
  if (of->outstanding != 0 && !is_settled) return;
  if (std::exchange(of->is_over, true)) return;
  missing.is_polling = false;
  missing.is_outvoted = !is_settled;
  // More records came meanwhile, or too few votes: again, at once or after a while.
  if (missing.is_stalled) ask_votes(of->missing.id, todo);
}

void agreement::ask_again(const std::string& id) {
  work todo;
  {
    const std::lock_guard lock(mutex_);
    auto* found = feeds_.find(id);
    if (found == nullptr) return;
    found->next_poll = 0;
    if (!found->is_stalled) return;
    ask_votes(id, todo);
    settle(todo);
  }
  run(todo);
}

void agreement::vote_here(const identity& from, const vote_request& request, vote_reply& reply) {
  const auto& missing = request.missing;
  if (!is_counted(missing.id)) {  // it cannot hold a lease, or is not known here yet
    ++stats_.votes_ignored;
    return;
  }
  kept_hints none{.life = from.incarnation};
  auto& known = is_counted(from.id) ? kept_[{from.id, missing.id}] : none;
  if (known.life != from.incarnation) known = none;
  // This node's vote would stand for records that it does not keep.
  const bool has_gap = request.first > std::max(known.number + 1, request.since);
  if (request.must_flush || !has_gap) {
    if (context_->rules.keep_hints) hints_.keep(missing.id, request.records, request.must_flush);
    known.number = std::max(known.number, request.last());
  }
  const auto current = who_.incarnation_of(missing.id);
  const bool is_same_life = current == 0 || current == missing.incarnation;
  reply.kept = known.number;
  reply.is_leaseless =
      !is_leaving_ && is_same_life && granted_.is_over(missing, context_->env.now());
}

void agreement::take(
    const identity& from, const vote_request& request, completion<vote_reply> done
) {
  work todo;
  vote_reply reply;
  bool is_passed_on = false;
  {
    const std::lock_guard lock(mutex_);
    const auto before = who_.changes();
    if (is_counted(from.id)) hear(from.id, request.note);
    vote_here(from, request, reply);
    const auto& missing = request.missing.id;
    is_passed_on = reply.kept >= request.last() && !reply.is_leaseless && is_counted(missing) &&
                   passing_on_.insert(missing).second;
    if (who_.changes() != before) views_changed(todo);
    reply.note = note_for(request.note.digest);
  }
  run(todo);
  if (!is_passed_on) return std::move(done)(std::move(reply));
  pass_on(request.missing.id, std::move(reply), std::move(done));
}

// Perhaps only the way from the origin is cut. This node sends all its hints, of whatever origin:
// what the member applies now, this node need not keep.
void agreement::pass_on(const std::string& id, vote_reply reply, completion<vote_reply> done) {
  const auto address = address_of(id);
  hint_table::slice hints;
  {
    const std::lock_guard lock(mutex_);
    if (address.empty()) passing_on_.erase(id);
    hints = hints_.take(id);
  }
  if (address.empty()) return std::move(done)(std::move(reply));
  relay_request records{
      .note = {.digest = reply.note.digest, .state = nullptr},
      .must_flush = hints.must_flush,
      .records = std::move(hints.records),
  };
  peer_request message{
      .view_digest = context_->route.digest(),
      .timeout = relay_timeout,
      .body = std::move(records),
  };
  auto take = [weak = weak_from_this(),
               id,
               number = hints.number,
               is_all = !hints.has_more,
               reply = std::move(reply),
               done = std::move(done)](const result<peer_reply>& answer) mutable {
    if (const auto self = weak.lock()) self->passed_on(id, number, is_all, answer, reply);
    std::move(done)(std::move(reply));
  };
  context_->network->call(
      address, std::move(message), context_->env.now() + relay_timeout, std::move(take)
  );
}

void agreement::passed_on(
    const std::string& id,
    std::uint64_t number,
    bool is_all,
    const result<peer_reply>& answer,
    vote_reply& reply
) {
  work todo;
  {
    const std::lock_guard lock(mutex_);
    passing_on_.erase(id);
    const auto* got = answer ? std::get_if<relay_reply>(&answer->body) : nullptr;
    if (got == nullptr) return;
    const auto before = who_.changes();
    hear(id, got->note);
    hints_.applied(id, number);
    reply.is_delivered = is_all;
    if (got->note.digest != who_.digest() || answer->view_digest != context_->route.digest()) {
      reply.note.digest = 0;  // the member has another view: the origin must know
    }
    if (who_.changes() != before) views_changed(todo);
  }
  run(todo);
}

relay_reply agreement::take(const identity& from, const relay_request& request) {
  apply_hints(request.records, request.must_flush);
  const std::lock_guard lock(mutex_);
  if (is_counted(from.id)) who_.heard(from.id, request.note.digest);
  return {.note = note_for(request.note.digest)};
}

}  // namespace weir
