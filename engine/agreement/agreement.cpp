// Who counts, as far as this node is told: discovery, handshakes, goodbyes; and what it tells of itself.

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

// A stranger may hold a lease by grants of former lives of those who are members now.
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
