// Changes of a keyspace while it is used: new options in place, or another keyspace in its place.

#include "keyspace/keyspace_core.hpp"

#include <algorithm>

namespace weir {

std::shared_ptr<keyspace_core> keyspace_core::current() {
  auto next = successor();
  return next ? std::move(next) : shared_from_this();
}

std::shared_ptr<keyspace_core> keyspace_core::successor() const {
  if (closed_.load(std::memory_order_acquire) != moved) return nullptr;
  const auto all = context_->keyspaces.lock();
  auto next = all ? all->find(options_.name()) : nullptr;
  return next && next->lineage_ == lineage_ && next.get() != this ? next : nullptr;
}

// To another node: it may have a keyspace that was removed here, and load the key itself.
error keyspace_core::why_failed(const error& why) const {
  const bool was_removed = closed_.load() == static_cast<int>(errc::no_keyspace);
  return was_removed && why == errc::unavailable ? error(errc::no_keyspace) : why;
}

std::uint64_t keyspace_core::retune(const keyspace_options& wanted) {
  const std::lock_guard one_at_a_time(tuning_);
  const auto before = options_.all();
  options_.set(wanted);
  limiter_.set_limits(wanted.loads);
  held_.set_budgets(wanted);
  std::uint64_t dropped = 0;
  const bool is_shorter = wanted.ttl < before.ttl || wanted.negative_ttl < before.negative_ttl;
  if (is_shorter) dropped += held_.shorten_lives();
  for (const auto kind : {entry_kind::owned, entry_kind::near_copy, entry_kind::gutter}) {
    dropped += held_.shrink(kind);
  }
  return dropped;
}

void keyspace_core::move_on() {
  int open = 0;
  closed_.compare_exchange_strong(open, moved);
  if (feed_) feed_->stop();
}

}  // namespace weir
