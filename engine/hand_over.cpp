#include "hand_over.hpp"

#include <algorithm>
#include <utility>

namespace weir {
namespace {

constexpr std::size_t max_running = 32;  // of the 64 loads that a keyspace runs by default
constexpr milliseconds patience{100};    // for one entry: a hop there, a peek back
constexpr milliseconds until_known{50};  // until the others have heard that this node leaves
constexpr int max_tries = 3;

}  // namespace

hand_over::hand_over(
    std::shared_ptr<engine_context> context,
    std::deque<item> items,
    time_point deadline,
    completion<std::size_t> done
)
    : context_(std::move(context)),
      deadline_(deadline),
      items_(std::move(items)),
      done_(std::move(done)) {}

void hand_over::begin() {
  const std::lock_guard lock(mutex_);
  pause();
}

void hand_over::pause() {
  if (std::exchange(is_pausing_, true)) return;
  context_->env.schedule(context_->env.now() + until_known, [self = shared_from_this()] {
    {
      const std::lock_guard again(self->mutex_);
      self->is_pausing_ = false;
    }
    self->pump();
  });
}

void hand_over::pump() {
  completion<std::size_t> done;
  for (;;) {
    item next;
    {
      const std::lock_guard lock(mutex_);
      if (context_->env.now() >= deadline_) items_.clear();
      if (is_pausing_ || running_ == max_running) return;
      if (items_.empty()) {
        if (running_ != 0 || !done_) return;
        done = std::move(done_);
        break;
      }
      next = std::move(items_.front());
      items_.pop_front();
      ++running_;
    }
    if (send(std::move(next))) continue;
    const std::lock_guard lock(mutex_);
    --running_;
  }
  std::move(done)(taken_);
}

bool hand_over::send(item what) {
  const auto route = context_->route.get();
  const auto index = route->ring->owner_index(slot_of(what.keyspace, what.key));
  if (index == route->self || !route->is_usable[index].load(std::memory_order_acquire))
    return false;
  const auto deadline = std::min(deadline_, context_->env.now() + patience);
  peer_request request{
      .view_digest = route->members.digest(),
      .timeout = patience,
      .body = get_request{.keyspace = what.keyspace, .key = what.key, .mode = get_mode::adopt},
  };
  auto take = [self = shared_from_this(), what = std::move(what)](const result<peer_reply>& reply
              ) mutable { self->ended(std::move(what), reply); };
  context_->network->call(route->at(index).address, std::move(request), deadline, std::move(take));
  return true;
}

void hand_over::ended(item what, const result<peer_reply>& reply) {
  const auto* got = reply ? std::get_if<get_reply>(&reply->body) : nullptr;
  {
    const std::lock_guard lock(mutex_);
    --running_;
    if (got != nullptr && !got->error) ++taken_;
    // The new owner has not heard yet that it has the slot: all that follows waits a little.
    if (got != nullptr && got->error == errc::not_owner && ++what.tries < max_tries) {
      items_.push_front(std::move(what));
      pause();
    }
  }
  pump();
}

}  // namespace weir
