// How one node agrees with the others about changes, without a leader and without a log.
//
// The idea. A node serves what it keeps only under a lease: within the last 3 s a majority of every
// view has promised not to vote it dead. A change is OK when every member has applied its record,
// or a majority of every view has let the member's lease run out and keeps the record as a hint for
// its return. So whoever can serve has heard, and whoever has not heard cannot serve. Nothing is
// ordered between nodes but that: the version of a key comes from its owner alone.
//
// One announcement: append the record to the journal, send it to every member (record_feeds), wait
// until each has confirmed it; a member that is silent for 250 ms is voted about, once per 100 ms
// at most, and its lease of 3 s plus a safety margin bounds how long that takes.
//
// The lock guards all state here. Under it: pure decisions (electorate, lease, granted_leases,
// hint_table, record_feeds), and two calls outwards, address_of() of the member table and
// drop_all() of the keyspaces. All else is collected in `work` and done after the release: a
// completion may call back at once.
//
// Races that were found by simulation, and what ended them. N and M are nodes.
//
// 1. N freezes between the look at its lease and the read.
//      N reads the clock; N freezes 4 s; M votes N leaseless, a change is OK; N serves the old
//      value.
//    The clock is read after the request has arrived, and an entry is copied out under the shard's
//    lock with that time; a grant counts from when the heartbeat left (lease_by_fresh_clock,
//    lease_from_sending).
// 2. M stood still itself and votes the moment it goes on.
//      M grants N; M freezes; M's clock says that N's lease is over, yet N's next heartbeat, sent
//      in time, lies unread in M's socket.
//    A node that stood still votes about nobody for one lease time (rest_after_pause).
// 3. Two halves change the view at once.
//      N and M see each other go and continue alone, each with a majority of its own view.
//    A view counts until a majority of it knows the next, and one lease time more; whatever needs a
//    majority needs one of each view that counts (agree_on_views).
// 4. A change meets a reader that routes by another ring.
//      The reader drops its copy, fetches again from a node that the record has not reached, keeps
//      it.
//    A change that met another view, or that no owner ordered, is broadcast twice: the second round
//    begins when all have dropped (two_rounds_across_views, two_rounds_without_owner).
// 5. A node restarts and discovery forgets the others.
//      It knows nobody, so its own vote is a majority.
//    It counts nobody before discovery has answered, and every quorum includes half of those whom
//    discovery names, also those that nobody has met yet (lone_only_when_told, half_of_named).
// 6. N comes back under a lease, but those who granted it never heard of the change.
//    A grant brings the granter's hints with it. Where those who voted are gone, N drops everything
//    (keep_hints, hints_of_old_electorate).

#include "agreement/agreement.hpp"

#include <algorithm>
#include <utility>

namespace weir {

agreement::agreement(std::shared_ptr<engine_context> context, milliseconds grace)
    : context_(std::move(context)),
      grace_(grace),
      who_({context_->self.id, context_->self.incarnation}, context_->rules),
      granted_(context_->env.now(), context_->rules.rest_after_pause),
      hints_(context_->env.random() >> 40 | 1) {}

void agreement::run(work& todo) {
  for (auto& each : todo) each();
}

void agreement::join_cluster() {
  const std::lock_guard lock(mutex_);
  is_in_cluster_ = true;
  publish_lease();
}

void agreement::set_candidates(named_nodes named) {
  work todo;
  {
    const std::lock_guard lock(mutex_);
    who_.set_named(std::move(named));
    if (!std::exchange(has_candidates_, true)) {
      candidates_since_ = context_->env.now();
      who_.begin();
    }
    views_changed(todo);
  }
  run(todo);
}

void agreement::member_proven(const member_life& proven, named_nodes named) {
  work todo;
  {
    const std::lock_guard lock(mutex_);
    const auto before = who_.changes();
    if (is_counted(proven.id) || admits_all(context_->env.now())) who_.add(proven);
    if (has_candidates_) who_.set_named(std::move(named));
    if (who_.changes() != before) views_changed(todo);
  }
  run(todo);
}

void agreement::set_named(named_nodes named) {
  work todo;
  {
    const std::lock_guard lock(mutex_);
    if (!has_candidates_) return;
    who_.set_named(std::move(named));
    renew(todo);
  }
  run(todo);
}

void agreement::member_left(const std::string& id) {
  work todo;
  {
    const std::lock_guard lock(mutex_);
    who_.remove(id);
    views_changed(todo);
  }
  run(todo);
}

void agreement::set_silent(std::set<std::string> silent) {
  work todo;
  {
    const std::lock_guard lock(mutex_);
    granted_.tick(context_->env.now());
    silent_ = std::move(silent);
    for (const auto& id : silent_) {
      const auto confirms = [&](const std::string& by) {
        if (by == who_.self().id) return true;
        const auto said = silent_by_.find(by);
        return said != silent_by_.end() && said->second.contains(id);
      };
      if (!who_.is_majority(confirms)) continue;
      const auto before = who_.changes();
      who_.remove(id);
      if (who_.changes() == before) continue;  // it was removed, and is still silent
      todo.push_back([context = context_, id] {
        context->report({"peer.removed", id, "a majority does not reach it any more"});
      });
    }
    views_changed(todo);
  }
  run(todo);
}

result<void> agreement::forget(std::string_view id) {
  work todo;
  {
    const std::lock_guard lock(mutex_);
    if (id == who_.self().id) return errc::bad_request;
    if (!who_.everyone().contains(id) && !who_.is_stranger(id)) return errc::not_found;
    who_.forget(id);
    views_changed(todo);
  }
  context_->report({"peer.forgotten", std::string(id), "an operator said that it is gone for good"}
  );
  run(todo);
  return {};
}

void agreement::leave() {
  const std::lock_guard lock(mutex_);
  is_leaving_ = true;
  publish_lease();
}

void agreement::stop() {
  std::vector<record_feeds::wait> waits;
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
    waits = feeds_.take_all();
  }
  for (auto& each : waits) {
    context_->env.cancel(each.timer);
    std::move(each.done)(errc::unavailable);
  }
}

std::vector<std::string> agreement::everyone() const {
  const std::lock_guard lock(mutex_);
  return {who_.everyone().begin(), who_.everyone().end()};
}

std::vector<std::string> agreement::members() const {
  const std::lock_guard lock(mutex_);
  return is_in_cluster_ ? who_.views().back() : std::vector<std::string>();
}

// A stranger may hold a lease by grants of former lives of nodes that are members now.
bool agreement::are_strangers_leaseless() const {
  if (!who_.has_strangers() || !context_->rules.strangers_may_hold_leases) return true;
  const auto now = context_->env.now();
  return who_.is_half_of_named([&](const std::string& id) {
    return is_counted(id) && is_old(id, now);
  });
}

bool agreement::is_old(const std::string& id, time_point now) const {
  if (id == who_.self().id) return !granted_.is_young(now);
  const auto known = old_lives_.find(id);
  return known != old_lives_.end() && known->second == who_.incarnation_of(id);
}

bool agreement::counts(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  return is_counted(id);
}

lease_status agreement::status() const {
  const std::lock_guard lock(mutex_);
  const auto now = context_->env.now();
  lease_status out;
  out.members = who_.size();
  out.views = who_.view_count();
  const auto is_heard = [&](const std::string& id) {
    return id == who_.self().id || lease_.is_granted_by(id, now);
  };
  const auto views = who_.views();
  for (const auto& id : views.back()) {  // as out.members: of the newest view
    if (is_heard(id)) ++out.granted;
  }
  out.is_lone = !is_in_cluster_ || (has_candidates_ && who_.is_alone());
  const time_point until(steady_duration(context_->lease_until.load()));
  out.is_valid = now < until;
  if (out.is_valid && !out.is_lone)
    out.left = std::chrono::duration_cast<milliseconds>(until - now);
  if (!out.is_valid) out.why = why_no_lease(out);
  return out;
}

std::string agreement::why_no_lease(const lease_status& found) const {
  if (is_leaving_) return "no lease: this node is leaving";
  if (!has_candidates_) return "no lease: discovery has not answered yet";
  const auto is_heard = [&, now = context_->env.now()](const std::string& id) {
    return id == who_.self().id || lease_.is_granted_by(id, now);
  };
  if (2 * found.granted > found.members && !who_.is_half_of_named(is_heard)) {
    auto why = "no lease: discovery names " + std::to_string(who_.named_count()) + " nodes, " +
               std::to_string(who_.named_count(is_heard)) + " of them answered";
    const auto unvouched = who_.unvouched_count(is_heard);
    if (unvouched == 0) return why;
    return why + "; " + std::to_string(unvouched) +
           " of these have not been marked as serving for 75 s";
  }
  auto why = "no lease: " + std::to_string(found.granted) + " of " + std::to_string(found.members) +
             (lease_.losses() == 0 ? " candidates" : " members") + " answered";
  if (found.views > 1) why += ", " + std::to_string(found.views) + " views must agree";
  return why;
}

change_stats agreement::stats() const {
  const std::lock_guard lock(mutex_);
  auto out = stats_;
  out.lease_losses = lease_.losses();
  out.hints = hints_.size();
  out.hint_bytes = hints_.bytes();
  out.journal_bytes = feeds_.journal_bytes();
  out.waiting_bytes = feeds_.waiting_bytes();
  return out;
}

bool agreement::has_granted(const std::vector<std::string>& ids) const {
  const std::lock_guard lock(mutex_);
  return std::all_of(ids.begin(), ids.end(), [&](const std::string& id) {
    return granted_.has_granted({id, who_.incarnation_of(id)});
  });
}

bool agreement::is_granting(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  return lease_.is_granted_by(id, context_->env.now());
}

}  // namespace weir
