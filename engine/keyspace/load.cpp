// Loading a key from its source, in call order: load, take_turn, begin, call_source, land.

#include "async/await.hpp"
#include "keyspace/keyspace_core.hpp"
#include "keyspace/within_timeout.hpp"
#include "source/thrown_failure.hpp"

#include <algorithm>

namespace weir {
namespace {

constexpr milliseconds gutter_ttl{10'000};
constexpr int loads_per_key = 2;  // the one that a change overtook and the one after it

// Whatever a source throws ends here.
asio::awaitable<result<loaded>> guarded(
    std::shared_ptr<data_source> source, std::string key, load_context context
) {
  try {
    auto answer = co_await source->async_load(std::move(key), context);
    if (!answer && answer.error() == errc::not_found) co_return loaded{.found = false};
    co_return answer;
  } catch (...) {
    co_return thrown_failure(context);
  }
}

}  // namespace

asio::awaitable<result<lookup>> keyspace_core::pass_through(flight& f) {
  counters_.passed_through.fetch_add(1, std::memory_order_relaxed);
  std::vector<std::shared_ptr<waiter>> unarmed;
  {
    auto& s = held_.shard_of(f.hash);
    const std::lock_guard lock(s.mutex);
    for (const auto& each : f.waiters) {
      if (each->timer.load() == 0) unarmed.push_back(each);
    }
  }
  for (const auto& each : unarmed) arm(each);
  co_return co_await load(f);
}

asio::awaitable<result<lookup>> keyspace_core::load(flight& f) {
  auto place = [&](completion<result<void>> granted) {
    limiter_.acquire(f.batch, std::move(granted));
  };
  if (const auto granted = co_await await_result<void>(place); !granted) {
    note_refused(granted.error());
    co_return granted.error();
  }
  co_await take_turn(f);
  lookup found;
  if (const auto state = begin(f, found); state != begun::yes) {
    limiter_.release();
    if (state == begun::found_meanwhile) co_return found;
    co_return errc::deadline_exceeded;
  }
  auto began = env().now();
  if (auto peeked = co_await peek_at_former_owner(f)) {
    began = peeked->began;
    give_back_turn(f);
    limiter_.release();
    co_return land(f, std::move(peeked->value), began, expiry::as_given);
  }
  if (f.adopts) {
    give_back_turn(f);
    limiter_.release();
    co_return errc::not_found;
  }
  began = env().now();
  auto answer = co_await call_source(f);
  give_back_turn(f);
  co_return land(f, std::move(answer), began);
}

// At most two loads of a key run: a third, after a second change, waits until one of them ends.
asio::awaitable<void> keyspace_core::take_turn(flight& f) {
  auto turn = [&](completion<result<void>> granted) {
    {
      auto& s = held_.shard_of(f.hash);
      const std::lock_guard lock(s.mutex);
      if (auto& flights = s.flights[f.key]; flights.running < loads_per_key) {
        ++flights.running;
      } else {
        flights.waiting.push_back(std::move(granted));
        return;
      }
    }
    std::move(granted)(result<void>());
  };
  co_await await_result<void>(turn);
}

bool keyspace_core::try_take_turn(flight& f) {
  auto& s = held_.shard_of(f.hash);
  const std::lock_guard lock(s.mutex);
  auto& flights = s.flights[f.key];
  if (flights.running >= loads_per_key) return false;
  ++flights.running;
  return true;
}

keyspace_core::begun keyspace_core::begin(flight& f, lookup& found) {
  auto& s = held_.shard_of(f.hash);
  const auto now = env().now();
  begun state = begun::yes;
  {
    const std::lock_guard lock(s.mutex);
    const auto is_answered = [](const auto& w) { return w->is_answered.load(); };
    auto* held = f.kind == flight_kind::fetch ? nullptr : s.table.find(f.key, f.hash);
    if (held != nullptr && (f.kind == flight_kind::owner ? held_.serves_as_owner(s, *held, now)
                                                         : held_.serves_as_gutter(s, *held, now))) {
      found.found = held_.answer_from(s, *held, now, found.entry);
      ++s.hits_for_others;
      state = begun::found_meanwhile;
    } else if (std::all_of(f.waiters.begin(), f.waiters.end(), is_answered)) {
      state = begun::nobody_waits;
      // No caller may join what is about to end.
      auto& current = s.flights[f.key].current[static_cast<std::size_t>(f.kind)];
      if (current.get() == &f) current.reset();
    } else {
      f.has_begun = true;
      if (held != nullptr && held->kind == entry_kind::owned && held->seq > s.floor) {
        note_former(f, *held);
      }
      f.lease_term = f.is_alone ? 0 : context_->lease_term_at(now);
      if (f.kind == flight_kind::owner) f.epoch = context_->terms.epoch_of(f.slot);
      if (f.kind == flight_kind::gutter) f.epoch = context_->gutter_epoch;
    }
  }
  if (state != begun::yes) give_back_turn(f);
  return state;
}

// What this node still has and may no longer serve: the source may confirm it.
void keyspace_core::note_former(flight& f, const stored_entry& held) {
  if (!source_->revalidates() || !held.is_confirmable()) return;
  f.former_value = held.value();
  f.former_meta = held.meta();
}

asio::awaitable<result<loaded>> keyspace_core::call_source(flight& f) {
  const auto began = env().now();
  const auto remark = std::make_shared<source_remark>();
  load_context context{env(), began + options_.load_timeout(), remark};
  if (f.former_meta) {
    context.former = std::make_shared<const loaded>(loaded{
        .value = std::move(f.former_value), .meta = std::move(f.former_meta)});
  }
  auto said = co_await within_timeout(guarded(source_, f.key, context), context.deadline);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(env().now() - began);
  auto answer = judged(std::move(said), *remark);
  note(answer);
  counters_.count_call(took);
  if (f.explains) {
    auto what = !answer ? answer.error().message() : answer->found ? "value" : "not found";
    if (const auto words = remark->text(); answer && !words.empty()) what += ": " + words;
    f.steps.push_back({context_->self.id, "source", std::move(what), took});
  }
  co_return answer;
}

// What the source answered, by the rules and in the words of this keyspace.
result<loaded> keyspace_core::judged(result<loaded> answer, const source_remark& remark) const {
  if (answer) {
    const auto size = answer->value.size();
    if (size > options_.max_entry()) return value_too_large(size);
    return answer;
  }
  const auto& failed = answer.error();
  const bool is_ours = failed.category() == weir_category();
  error_context words{.detail = std::string(failed.detail())};
  words.remark = failed.remark().substr(0, source_remark::max_text);
  if (words.remark.empty()) words.remark = remark.text();
  if (words.remark.empty() && !is_ours) words.remark = failed.code().message();
  if (words.remark.empty() && words.detail.empty() && failed == errc::deadline_exceeded) {
    words.detail = "the source did not answer within loads.timeout, " +
                   std::to_string(options_.load_timeout().count()) + " ms";
  }
  const auto code = is_ours ? failed.code() : make_error_code(errc::source_failed);
  return error(code, std::move(words));
}

error keyspace_core::value_too_large(std::size_t size) const {
  auto why = "the value has " + std::to_string(size) + " bytes, max_entry is " +
             std::to_string(options_.max_entry());
  return {errc::too_large, error_context{.detail = std::move(why)}};
}

void keyspace_core::note(const result<loaded>& answer) {
  counters_.count_load(answer);
  const auto now = env().now();
  report(answer ? watch_.succeeded(now) : watch_.failed(answer.error(), now));
}

void keyspace_core::note_refused(const error& why) {
  if (why != errc::overloaded) return;  // this keyspace was closed
  keyspace_counters::add(counters_.refused_overloaded);
  report(watch_.failed(why, env().now()));
}

void keyspace_core::report(const source_watch::events& events) const {
  for (const auto& each : events) context_->report(each);
}

// The answer of a load, as its callers get it; how long it may be kept goes to `ttl`.
lookup keyspace_core::answer_of(
    flight& f, const loaded& answer, time_point began, expiry how, milliseconds& ttl
) const {
  ttl = answer.found ? options_.ttl() : options_.absent_ttl();
  if (answer.ttl) ttl = std::min<milliseconds>(ttl, *answer.ttl);
  // This node may have stood still meanwhile.
  f.good_until = good_for(began, began + std::max(ttl, options_.load_timeout()));
  if (f.kind == flight_kind::gutter) ttl = std::min(ttl, gutter_ttl);
  if (f.kind == flight_kind::fetch) ttl = milliseconds(0);
  if (how == expiry::spread) ttl = jittered(ttl);

  lookup out;
  out.found = answer.found;
  out.entry.value = answer.value;
  out.entry.meta = answer.meta;
  out.entry.age = std::chrono::duration_cast<milliseconds>(env().now() - began);
  out.entry.from.from = how == expiry::as_given ? served_from::peer : served_from::load;
  if (f.kind == flight_kind::gutter) out.entry.from.detail = served_detail::gutter;
  if (f.kind == flight_kind::fetch) out.entry.from.detail = served_detail::passthrough;
  return out;
}

// Why what a flight loaded is not kept (R2); null = it is. Under the shard's lock.
const char* keyspace_core::why_not_kept(const landing& of, const flight& f) const {
  if (f.kind == flight_kind::fetch) return "passed through";
  if (!of.is_leased) return "this node holds no lease";
  if (of.is_doubtful) return "nobody knows whether a write of it happened";
  if (of.is_overtaken) return "a change overtook the load";
  if (!of.is_told) return "the source cannot tell of changes now, or told of one since";
  if (is_closed()) return "the keyspace was replaced or removed meanwhile";
  if (!of.is_current) return "the slot moved to another node";
  if (of.is_over) return "its TTL is 0";
  return of.fits ? nullptr : "larger than half of the memory limit";
}

result<lookup> keyspace_core::land(flight& f, result<loaded> answer, time_point began, expiry how) {
  if (!answer) return answer.error();
  milliseconds ttl;
  auto out = answer_of(f, *answer, began, how, ttl);
  const auto now = env().now();
  const auto kind = f.kind == flight_kind::gutter ? entry_kind::gutter : entry_kind::owned;
  auto made = entry_table::make_entry({
      .key = f.key,
      .hash = f.hash,
      .value = std::move(answer->value),
      .meta = std::move(answer->meta),
      .epoch = f.epoch,
      .expires = began + ttl,
      .loaded_at = began,
      .slot = f.slot,
      .kind = kind,
      .is_absent = !answer->found,
  });
  landing checked{.fits = held_.budgets().of(kind).fits(made->charge)};
  const char* why_not = nullptr;
  auto& s = held_.shard_of(f.hash);
  entry_list garbage;
  {
    const std::lock_guard lock(s.mutex);
    held_.cap_life(*made);
    const bool is_owners = f.kind == flight_kind::owner;
    checked.is_current =
        !is_closed() &&
        (!is_owners || (f.epoch != 0 && f.epoch == context_->terms.epoch_of(f.slot)));
    checked.is_overtaken = f.is_overtaken && context_->rules.fence_at_load_end;
    checked.is_leased = f.lease_term != 0 && f.lease_term == context_->lease_term_at(now);
    checked.is_doubtful = doubtful_.contains(f.hash, began);
    checked.is_over = made->expires <= now;
    checked.is_told =
        held_.is_told(now) && (how == expiry::spread || held_.is_newer_than_told(f.hash, began));
    why_not = why_not_kept(checked, f);
    if (why_not == nullptr) {
      made->seq = ++s.seq;
      out.entry.ttl = std::chrono::duration_cast<milliseconds>(made->expires - now);
      if (is_owners) out.entry.version = {f.epoch, made->seq};
      context_->note_kept();
      s.table.insert(std::move(made), garbage);
      out.entry.from.stored = true;
    } else if (is_owners && checked.has_version()) {
      // Not kept, but still a state that a precondition can name.
      out.entry.version = {f.epoch, ++s.seq};
      held_.raise_fence(f.hash, s.seq);
    }
  }
  if (f.kind != flight_kind::fetch && !checked.is_leased &&
      out.entry.from.detail == served_detail::none) {
    out.entry.from.detail = served_detail::unleased;
  }
  if (why_not == nullptr)
    held_.make_room(kind, s);
  else
    keyspace_counters::add(counters_.not_kept);
  explain_kept(f, why_not, out.entry.ttl);
  return out;
}

void keyspace_core::explain_kept(flight& f, const char* why_not, milliseconds ttl) const {
  if (!f.explains) return;
  f.steps.push_back({
      context_->self.id,
      "kept",
      why_not != nullptr ? std::string("no: ") + why_not
                         : "yes, for " + std::to_string(ttl.count()) + " ms",
      {},
  });
}

void keyspace_core::give_back_turn(flight& f) {
  completion<result<void>> next;
  {
    auto& s = held_.shard_of(f.hash);
    const std::lock_guard lock(s.mutex);
    const auto flights = s.flights.find(f.key);
    if (flights == s.flights.end()) return;
    if (auto& waiting = flights->second.waiting; !waiting.empty()) {
      next = std::move(waiting.front());
      waiting.erase(waiting.begin());
    } else {
      --flights->second.running;
      if (flights->second.is_idle()) s.flights.erase(flights);
    }
  }
  if (next) std::move(next)(result<void>());
}

}  // namespace weir
