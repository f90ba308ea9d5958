// What becomes of a record that a member does not confirm, in order: ask_votes, vote_here, take (at
// those who are asked), take_vote, count_votes, ask_again.

#include "agreement.hpp"

#include <algorithm>

namespace weir {
namespace {

constexpr std::size_t most_records_to_vote = 4'096;
constexpr std::size_t most_bytes_to_vote = 768u << 10;
constexpr milliseconds relay_timeout{200};
constexpr milliseconds ask_again_after{100};
constexpr milliseconds ask_again_idle{1'000};

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
      const auto before = who_.changes();
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
      if (who_.changes() != before) views_changed(todo);
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
  if (!is_counted(missing.id)) {  // nobody that could hold a lease; or not known here yet
    ++stats_.votes_ignored;
    return;
  }
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
    const auto before = who_.changes();
    if (is_counted(from.id)) hear(from.id, request.note);
    vote_here(request, reply);
    if (reply.is_kept && !reply.is_leaseless) address = context_->address_of(request.missing.id);
    if (who_.changes() != before) views_changed(todo);
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
        const auto before = self->who_.changes();
        self->hear(id, got->note);
        reply.is_delivered = true;
        if (got->note.digest != self->who_.digest() ||
            answer->view_digest != self->context_->route.digest()) {
          reply.note.digest = 0;  // whom it went to has another view: the origin must know
        }
        if (self->who_.changes() != before) self->views_changed(after);
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
  if (is_counted(from.id)) who_.heard(from.id, request.note.digest);
  return {.note = note_for(request.note.digest)};
}

}  // namespace weir
