#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace weir {

/// Which loads of one keyspace travel together: those that come while others are under way.
///
/// A load that finds nothing under way goes at once and alone; the next ones gather until the turn
/// of the event loop is over, while fewer than `max_calls` are under way, or for the time that the
/// caller sets (1 ms), or until they are as many as fit in one call. A function of what came; knows
/// no clock and sends nothing. Not thread-safe.
template <class Load>
class load_batcher {
 public:
  using batch = std::vector<Load>;

  /// Calls of the source that may be under way before loads wait for the end of one, 1 ms at most.
  static constexpr std::size_t max_calls = 4;

  enum class then {
    go_alone,      ///< the load goes now
    wait,          ///< it is kept; somebody will come for it
    call_soon,     ///< it is kept as the first: look(false) after this turn, look(true) after 1 ms
    take_at_once,  ///< it is kept and the batch is full: take()
  };

  /// One load misses. Kept unless the answer is go_alone.
  then comes(Load& load, std::size_t max_batch) {
    if (running_ == 0 && gathered_.empty()) {
      ++running_;
      return then::go_alone;
    }
    gathered_.push_back(std::move(load));
    if (gathered_.size() >= max_batch) return then::take_at_once;
    return gathered_.size() == 1 ? then::call_soon : then::wait;
  }

  /// What goes now; empty = nothing yet, or it has gone already.
  batch look(bool is_time_over) { return is_time_over || running_ < max_calls ? take() : batch(); }

  /// All that is gathered, as one call that is under way from now on.
  batch take() {
    if (!gathered_.empty()) ++running_;
    return std::exchange(gathered_, {});
  }

  /// A call is over; what has gathered goes.
  batch ended() {
    --running_;
    return take();
  }

 private:
  std::size_t running_ = 0;
  batch gathered_;
};

}  // namespace weir
