#include "keyspace/keyspace_feed.hpp"

#include "keyspace/keyspace_core.hpp"
#include "source/thrown_failure.hpp"
#include "source/trouble_words.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <utility>

namespace weir {

void keyspace_feed::start(std::weak_ptr<keyspace_core> core) {
  core_ = std::move(core);
  asio::co_spawn(env_.executor(), run(), asio::detached);
}

void keyspace_feed::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(is_stopped_, true)) return;
    if (timer_ != 0) env_.cancel(timer_);
  }
  feed_->cut();
}

asio::awaitable<void> keyspace_feed::run() {
  const auto self = shared_from_this();
  {
    const std::lock_guard lock(mutex_);
    if (is_stopped_) co_return;
    timer_ = 0;
    state_.began(env_.now());
  }
  const auto why = co_await run_once();
  ended(why);
}

asio::awaitable<error> keyspace_feed::run_once() {
  const auto remark = std::make_shared<source_remark>();
  const load_context context{env_, time_point::max(), remark};
  error why = errc::source_failed;
  try {
    why = co_await feed_->async_run(*this, context);
  } catch (...) {
    why = thrown_failure(context);
  }
  if (why.remark().empty() && !remark->text().empty()) {
    error_context words{.detail = std::string(why.detail()), .remark = remark->text()};
    why = error(why.code(), std::move(words));
  }
  co_return why;
}

void keyspace_feed::ended(const error& why) {
  const auto now = env_.now();
  std::optional<trouble_log::line> line;
  {
    const std::lock_guard lock(mutex_);
    last_ = why;
    if (!is_stopped_) line = log_.failed(now);
    const auto when = state_.ended(now, env_.random());
    if (is_stopped_) return;
    timer_ = env_.schedule(when, [self = shared_from_this()] {
      asio::co_spawn(self->env_.executor(), self->run(), asio::detached);
    });
  }
  report(line, why);
}

void keyspace_feed::tick() {
  const auto now = env_.now();
  bool is_silent = false;
  std::optional<trouble_log::line> line;
  error why;
  {
    const std::lock_guard lock(mutex_);
    is_silent = state_.tick(now);
    line = log_.tick(now);
    why = last_;
  }
  if (is_silent) feed_->cut();
  report(line, why);
}

void keyspace_feed::reset() {
  const auto core = core_.lock();
  if (!core) return;
  core->source_reset();
  const auto now = env_.now();
  std::optional<trouble_log::line> line;
  {
    const std::lock_guard lock(mutex_);
    state_.reset(now);
    line = log_.succeeded(now);
    publish();
  }
  report(line, {});
}

void keyspace_feed::apply(std::span<const source_change> changes) {
  const auto core = core_.lock();
  if (!core) return;
  const auto now = env_.now();
  changes_.fetch_add(changes.size(), std::memory_order_relaxed);
  for (const auto& each : changes) {
    // A key that no keyspace takes may stand for any other.
    const bool is_all = each.key.empty() || !core->check_key(each.key);
    if (is_all) return core->source_reset();
    core->source_changed(each, now);
  }
}

void keyspace_feed::alive(time_point covered) {
  const std::lock_guard lock(mutex_);
  state_.covered(covered, env_.now());
  publish();
}

// Under the lock.
void keyspace_feed::publish() noexcept {
  live_until_.store(state_.live_until().time_since_epoch().count(), std::memory_order_release);
}

feed_status keyspace_feed::status() const {
  const auto now = env_.now();
  const std::lock_guard lock(mutex_);
  feed_status out;
  out.is = state_.state(now);
  out.since = std::chrono::duration_cast<milliseconds>(now - state_.since(now));
  out.changes = changes_.load(std::memory_order_relaxed);
  out.resets = state_.resets();
  if (last_) out.words = words_of(last_);
  return out;
}

void keyspace_feed::report(std::optional<trouble_log::line> line, const error& why) const {
  const auto core = core_.lock();
  if (!line || !core) return;
  const bool is_over = line->what == trouble_log::line::kind::over;
  cluster_event event{.name = is_over ? "feed.live" : "feed.lost"};
  if (!is_over) event.detail = words_of(why);
  event.fields.emplace_back("keyspace", std::string(core->options().name()));
  event.fields.emplace_back("source", std::string(core->source_kind()));
  event.fields.emplace_back("failures", std::to_string(line->failures));
  event.fields.emplace_back(is_over ? "after" : "since", seconds_text(line->lasted));
  core->report(event);
}

}  // namespace weir
