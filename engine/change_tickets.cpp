#include "change_tickets.hpp"

namespace weir {

std::uint64_t change_tickets::open() {
  const std::lock_guard lock(mutex_);
  if (last_ == 0) last_ = env_.random() >> 8;  // not those of an earlier life
  open_.try_emplace(++last_);
  if (open_.size() > most) {
    env_.cancel(open_.begin()->second.timer);
    open_.erase(open_.begin());
  }
  return last_;
}

void change_tickets::close(std::uint64_t ticket, confirm_reply end) {
  completion<confirm_reply> waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(ticket);
    if (found == open_.end()) return;
    auto& of = found->second;
    of.has_ended = true;
    of.end = std::move(end);
    if (!of.waiting) return;
    if (of.timer != 0) env_.cancel(of.timer);
    waiting = std::move(of.waiting);
    end = std::move(of.end);
    open_.erase(found);
  }
  std::move(waiting)(std::move(end));
}

void change_tickets::wait(
    std::uint64_t ticket, time_point deadline, completion<confirm_reply> done
) {
  confirm_reply end;
  {
    const std::lock_guard lock(mutex_);
    const auto found = open_.find(ticket);
    if (found != open_.end() && !found->second.has_ended && !found->second.waiting) {
      found->second.waiting = std::move(done);
      found->second.timer = env_.schedule(deadline, [weak = weak_from_this(), ticket] {
        const auto self = weak.lock();
        if (!self) return;
        self->close(ticket, confirm_reply{.error = errc::deadline_exceeded, .unconfirmed = {}});
      });
      return;
    }
    if (found == open_.end() || !found->second.has_ended) {
      end.error = errc::unknown_outcome;
    } else {
      end = std::move(found->second.end);
      open_.erase(found);
    }
  }
  std::move(done)(std::move(end));
}

}  // namespace weir
