#pragma once

#include "change_tickets.hpp"

#include <exception>
#include <memory>
#include <mutex>

namespace weir {

/// One change that another node asked for: answered once, by its end, or by a ticket for the end
/// where the change takes longer to reach every member. Thread-safe.
class ticketed_change : public std::enable_shared_from_this<ticketed_change> {
 public:
  ticketed_change(
      environment& env, std::shared_ptr<change_tickets> tickets, completion<change_reply> done
  )
      : env_(env), tickets_(std::move(tickets)), done_(std::move(done)) {}

  /// The change is ordered and its record on the way. Called before ended(), or never.
  void accepted(change_reply reply);

  /// How it ended; `thrown` leaves the outcome unknown.
  void ended(const std::exception_ptr& thrown, change_reply reply);

 private:
  void give_ticket();

  environment& env_;
  const std::shared_ptr<change_tickets> tickets_;
  std::mutex mutex_;
  completion<change_reply> done_;  // empty once answered
  change_reply accepted_;
  std::uint64_t ticket_ = 0;
  timer_id timer_ = 0;
};

}  // namespace weir
