#pragma once

#include <weir/engine/environment.hpp>
#include <weir/engine/peer.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>

namespace weir {

/// Changes that this node ordered for others and that are still being broadcast: a ticket each, to
/// ask how they ended.
///
/// Bounded: the oldest tickets are forgotten, and to ask for one gives errc::unknown_outcome.
/// Thread-safe.
class change_tickets : public std::enable_shared_from_this<change_tickets> {
 public:
  explicit change_tickets(environment& env) : env_(env) {}

  std::uint64_t open();
  void close(std::uint64_t ticket, confirm_reply end);

  /// Calls back when the change has ended, or at `deadline` with errc::deadline_exceeded.
  void wait(std::uint64_t ticket, time_point deadline, completion<confirm_reply> done);

 private:
  static constexpr std::size_t most = 65'536;

  struct entry {
    bool has_ended = false;
    confirm_reply end;
    completion<confirm_reply> waiting;
    timer_id timer = 0;
  };

  environment& env_;
  std::mutex mutex_;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, entry> open_;
};

}  // namespace weir
