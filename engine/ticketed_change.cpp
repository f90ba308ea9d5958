#include "ticketed_change.hpp"

namespace weir {
namespace {

constexpr milliseconds ticket_after{100};  // what takes longer is answered with a ticket

}  // namespace

void ticketed_change::accepted(change_reply reply) {
  if (reply.error) return;  // the end follows at once
  const std::lock_guard lock(mutex_);
  accepted_ = std::move(reply);
  timer_ = env_.schedule(env_.now() + ticket_after, [self = shared_from_this()] {
    self->give_ticket();
  });
}

void ticketed_change::give_ticket() {
  completion<change_reply> answer;
  {
    const std::lock_guard lock(mutex_);
    if (!done_) return;
    ticket_ = tickets_->open();
    accepted_.ticket = ticket_;
    answer = std::move(done_);
  }
  std::move(answer)(std::move(accepted_));
}

void ticketed_change::ended(const std::exception_ptr& thrown, change_reply reply) {
  if (thrown) reply.error = errc::unknown_outcome;
  completion<change_reply> answer;
  {
    const std::lock_guard lock(mutex_);
    answer = std::move(done_);
  }
  if (answer) {
    if (timer_ != 0) env_.cancel(timer_);
    return std::move(answer)(std::move(reply));
  }
  confirm_reply end{.error = reply.error, .unconfirmed = std::move(reply.unconfirmed)};
  end.bound = reply.bound;
  tickets_->close(ticket_, std::move(end));
}

}  // namespace weir
