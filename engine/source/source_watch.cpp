#include "source/source_watch.hpp"

#include "source/trouble_words.hpp"

#include <string_view>

namespace weir {
namespace {

struct event_names {
  std::string_view failing;
  std::string_view over;  ///< empty = its end is not told
  std::string_view count;
};

constexpr event_names names[] = {
    {"source.failed", "source.recovered", "failures"},
    {"loads.refused", "loads.accepted", "refused"},
    {"value.too_large", "", "values"},
};

}  // namespace

source_watch::kind source_watch::kind_of(const error& why) noexcept {
  if (why == errc::too_large) return too_large;
  // The limits of this node have words of their own, what a source says is a remark.
  return why == errc::overloaded && why.remark().empty() ? refused : source;
}

source_watch::events source_watch::failed(const error& why, time_point now) {
  events out;
  const auto which = kind_of(why);
  const std::lock_guard lock(mutex_);
  auto& trouble = troubles_[which];
  trouble.last = why;
  trouble.last_at = now;
  add(out, which, trouble.log.failed(now));
  settle();
  return out;
}

source_watch::events source_watch::succeeded(time_point now) {
  events out;
  if (is_source_well_.load(std::memory_order_relaxed)) return out;
  const std::lock_guard lock(mutex_);
  add(out, source, troubles_[source].log.succeeded(now));
  settle();
  return out;
}

source_watch::events source_watch::tick(time_point now) {
  events out;
  if (is_quiet_.load(std::memory_order_relaxed)) return out;
  const std::lock_guard lock(mutex_);
  for (const auto each : {source, refused, too_large})
    add(out, each, troubles_[each].log.tick(now));
  settle();
  return out;
}

void source_watch::settle() {
  bool is_quiet = true;
  for (const auto& each : troubles_) is_quiet = is_quiet && each.log.is_quiet();
  is_quiet_.store(is_quiet, std::memory_order_relaxed);
  is_source_well_.store(!troubles_[source].log.is_failing(), std::memory_order_relaxed);
}

void source_watch::add(events& out, kind of, const std::optional<trouble_log::line>& line) const {
  if (!line) return;
  const auto& called = names[of];
  const bool is_over = line->what == trouble_log::line::kind::over;
  if (is_over && called.over.empty()) return;
  const auto& why = troubles_[of].last;
  cluster_event event{.name = std::string(is_over ? called.over : called.failing)};
  if (!is_over) event.detail = words_of(why);
  event.fields.emplace_back("keyspace", keyspace_);
  event.fields.emplace_back("source", type_);
  if (!is_over) event.fields.emplace_back("outcome", std::string(name(why.code())));
  event.fields.emplace_back(std::string(called.count), std::to_string(line->failures));
  event.fields.emplace_back(is_over ? "after" : "since", seconds_text(line->lasted));
  out.push_back(std::move(event));
}

source_state source_watch::state(time_point now) const {
  const auto ago = [now](time_point then) {
    return std::chrono::duration_cast<milliseconds>(now - then);
  };
  source_state out;
  out.type = type_;
  const std::lock_guard lock(mutex_);
  const auto& trouble = troubles_[source];
  if (!trouble.last) return out;
  out.is_failing = trouble.log.is_failing();
  if (out.is_failing) {
    out.failures = trouble.log.failures();
    out.since = ago(trouble.log.began());
  }
  out.last_failure = ago(trouble.last_at);
  out.outcome = name(trouble.last.code());
  out.words = words_of(trouble.last);
  return out;
}

}  // namespace weir
