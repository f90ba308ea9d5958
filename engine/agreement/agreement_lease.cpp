// The lease side of the agreement: heartbeats, what they carry, and what follows from them.

#include "agreement/agreement.hpp"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

constexpr std::uint64_t remembered_pings = 8;
constexpr milliseconds strangers_answer_in{500};  // if their process runs
constexpr milliseconds admitted_after{1'500};     // by then all others have had an answer of it

}  // namespace

ping_request agreement::make_ping(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto number = ++pings_sent_[id];
  const auto now = context_->env.now();
  context_->last_tick.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  ping_times_[{id, number}] = now;
  ping_times_.erase({id, number - remembered_pings});
  const auto intake = intakes_.find(id);
  return {
      .note = {.digest = who_.digest(), .state = nullptr},
      .number = number,
      .life = who_.self().incarnation,
      .is_empty = !context_->has_kept.load(std::memory_order_acquire),
      .hints_applied = intake == intakes_.end() ? 0 : intake->second.hints_applied,
      .silent = {silent_.begin(), silent_.end()},
  };
}

ping_reply agreement::answer(const std::string& from, const ping_request& ping) {
  work todo;
  ping_reply pong;
  {
    const std::lock_guard lock(mutex_);
    const member_life asker{from, ping.life};
    const auto before = who_.changes();
    // A node that none named and this one has not met is answered, but not believed.
    const bool is_known = is_counted(from);
    if (is_known) hear(from, ping.note);
    const bool is_member = is_known && who_.add(asker);
    if (is_known) {
      hints_.applied(from, ping.hints_applied);
      silent_by_[from] = {ping.silent.begin(), ping.silent.end()};
    }
    pong.is_granted =
        is_member && !is_leaving_ && granted_.grant(asker, ping.is_empty, context_->env.now());
    auto hints = hints_.take(from);
    pong.hints_number = hints.number;
    pong.must_flush = hints.must_flush;
    pong.has_more_hints = hints.has_more;
    pong.hints = std::move(hints.records);
    if (auto* feed = feeds_.find(from)) feed->pings = ping.number;
    pong.silent.assign(silent_.begin(), silent_.end());
    pong.life = who_.self().incarnation;
    pong.is_young = granted_.is_young(context_->env.now());
    pong.is_settled = who_.is_settled() && context_->has_lease(context_->env.now());
    if (who_.changes() != before) views_changed(todo);
    pong.note = note_for(ping.note.digest);
  }
  run(todo);
  return pong;
}

void agreement::take_pong(
    const std::string& id, std::uint64_t number, time_point sent, ping_reply pong
) {
  apply_hints(pong.hints, pong.must_flush);
  work todo;
  {
    const std::lock_guard lock(mutex_);
    const auto before = who_.changes();
    const auto now = context_->env.now();
    const auto from = context_->rules.lease_from_sending ? sent : now;
    const bool is_granted = pong.is_granted && !pong.has_more_hints;
    if (is_granted) lease_.grant(id, pong.life, from + lease_time, now);
    if (!admits(id, pong, now)) return;
    hear(id, pong.note);
    who_.add({id, pong.life});
    const bool has_told_all = pong.note.state != nullptr || pong.note.digest == who_.digest();
    if (pong.is_settled && has_told_all) who_.met_settled(pong.note.digest);
    if (pong.hints_number != 0) intakes_[id].hints_applied = pong.hints_number;
    silent_by_[id] = {pong.silent.begin(), pong.silent.end()};
    if (!pong.is_young) old_lives_[id] = pong.life;
    context_->near.heard(id, from + lease_time);
    if (pong.has_more_hints) {
      todo.push_back([context = context_, id] {
        if (const auto links = context->members.lock()) links->ping(id);
      });
    }
    ping_times_.erase({id, number - remembered_pings});
    if (who_.changes() != before) {
      views_changed(todo);
    } else {
      renew(todo);
    }
    settle(todo);  // the life of the other node may count as old now
  }
  run(todo);
}

// True if this node keeps its lease even if every named node becomes a member now and grants
// nothing.
bool agreement::admits_all(time_point now) const {
  if (who_.is_joining()) return false;
  const bool has_much_to_lose = who_.is_settled() && lease_.is_held(now) &&
                                context_->has_kept.load(std::memory_order_acquire);
  if (!has_much_to_lose) return true;
  const auto& all = who_.everyone();
  const auto granting = std::count_if(all.begin(), all.end(), [&](const std::string& id) {
    return id == who_.self().id || lease_.is_granted_by(id, now);
  });
  return 2 * static_cast<std::size_t>(granting) > who_.size_with_all();
}

// Nodes that have just started grant nothing to nodes that keep something. Many of them at once
// would cost a ring its leases: then each becomes a member only once it grants, and all have heard
// so.
bool agreement::admits(const std::string& id, const ping_reply& pong, time_point now) {
  if (is_counted(id) || admits_all(now)) {
    newcomers_.erase(id);
    return true;
  }
  if (pong.is_young && !pong.is_granted) return false;
  auto& [life, since] = newcomers_[id];
  if (std::exchange(life, pong.life) != pong.life) since = now;
  const bool is_first = who_.everyone().size() == 1 && pong.is_granted;
  if (!is_first && now - since < admitted_after) return false;
  newcomers_.erase(id);
  return true;
}

electorate_note agreement::note_for(std::uint64_t digest_of_other) const {
  // A node that knows the same members need not know which older views count.
  const bool is_enough = digest_of_other == who_.digest() && who_.view_count() == 1;
  return {who_.digest(), is_enough ? nullptr : who_.state()};
}

bool agreement::hear(const std::string& id, const electorate_note& note) {
  const bool is_new = note.state != nullptr && who_.join(*note.state);
  if (note.digest != 0) who_.heard(id, note.digest);
  return is_new;
}

void agreement::views_changed(work& todo) {
  if (who_.is_removed(who_.self()) && !is_leaving_) {
    // The others went on without this node: it may have missed anything.
    lease_.reset();
    publish_lease();
    drop_all();
    who_.return_as(context_->env.random() | 1);
    todo.push_back([context = context_] {
      if (const auto links = context->members.lock()) links->may_take_slots(false);
      context->report({"node.returned", "", "others had removed this node; it comes back empty"});
    });
  }
  forget_gone(todo);
  for (const auto& id : who_.everyone()) {
    if (id != who_.self().id) feeds_.add(id);
  }
  todo.push_back([context = context_] {
    if (const auto links = context->members.lock()) links->ping_everyone();
  });
  renew(todo);
  settle(todo);
}

// Forgets the nodes that no longer count in any view.
void agreement::forget_gone(work& todo) {
  auto& feeds = feeds_.members();
  for (auto each = feeds.begin(); each != feeds.end();) {
    if (who_.everyone().contains(each->first)) {
      ++each;
      continue;
    }
    hints_.forget(each->first);
    std::erase_if(kept_, [&](const auto& kept) {
      return kept.first.first == each->first || kept.first.second == each->first;
    });
    granted_.forget(each->first);
    silent_by_.erase(each->first);
    old_lives_.erase(each->first);
    todo.push_back([context = context_, id = each->first] {
      if (const auto links = context->members.lock()) links->member_gone(id);
    });
    each = feeds.erase(each);
  }
}

void agreement::renew(work& todo) {
  const auto now = context_->env.now();
  if (who_.retire(now, context_->rules.agree_on_views)) forget_gone(todo);
  if (is_in_cluster_ && !has_candidates_ && context_->rules.lone_only_when_told) return;
  if (!who_.is_settled()) {
    if (has_candidates_ && now - candidates_since_ >= strangers_answer_in) who_.wait_no_longer();
    who_.settle([&](const std::string& id) {
      const bool is_self = id == who_.self().id;
      return is_old(id, now) && (is_self || lease_.is_granted_by(id, now));
    });
  }
  const auto event = lease_.update(who_, now, context_->rules);
  if (event == lease::event::dropped) {
    ++stats_.dropped_all;
    drop_all();
  } else if (context_->rules.hints_of_old_electorate && lease_.is_beyond_hope(who_)) {
    lease_.emptied();
    ++stats_.dropped_all;
    drop_all();
  }
  if (event != lease::event::none) context_->lease_term.fetch_add(1, std::memory_order_release);
  publish_lease();
  const bool is_lost = std::exchange(reported_losses_, lease_.losses()) != lease_.losses();
  if (!is_lost && event == lease::event::none) return;
  const bool is_gained = event != lease::event::none;
  const bool is_dropped = event == lease::event::dropped;
  todo.push_back([context = context_, is_gained, is_dropped] {
    const auto links = context->members.lock();
    if (is_gained && links) links->may_take_slots(true);
    context->report({
        is_gained ? "lease.gained" : "lease.lost",
        "",
        !is_gained ? "reads pass through until a majority answers"
        : is_dropped
            ? "without the hints of those who could have voted: everything kept was dropped"
            : "this node serves what it keeps",
    });
  });
}

// Only without a lease: nothing can be kept meanwhile.
void agreement::drop_all() {
  if (const auto all = context_->keyspaces.lock()) all->drop_all();
  context_->has_kept.store(false, std::memory_order_release);
}

void agreement::publish_lease() {
  auto until = lease_.until();
  const bool is_told = has_candidates_ || !context_->rules.lone_only_when_told;
  if (!is_in_cluster_ || (is_told && who_.is_alone())) until = time_point::max();
  if (is_in_cluster_ && (!is_told || is_leaving_)) until = time_point::min();
  context_->lease_until.store(until.time_since_epoch().count(), std::memory_order_release);
}

void agreement::apply_hints(const std::vector<change_record>& hints, bool must_flush) {
  const auto all = context_->keyspaces.lock();
  if (must_flush && all) all->drop_all();
  for (const auto& each : hints) context_->apply_record(each, milliseconds(0));
}

}  // namespace weir
