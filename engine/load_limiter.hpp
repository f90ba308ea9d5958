#pragma once

#include <weir/engine/environment.hpp>
#include <weir/engine/options.hpp>

#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

namespace weir {

/// How many source calls of one keyspace may run on this node, and how many may wait for a place.
///
/// A call that outlived its time-out keeps its place until the source returns: a source that hangs
/// for ever must not collect more and more calls. When only such calls are left, waiting is in vain
/// and everybody is refused at once. Thread-safe.
class load_limiter {
 public:
  explicit load_limiter(load_limits limits) : limits_(limits) {}

  /// Calls `granted` when there is a place, maybe at once, or with errc::overloaded. A granted
  /// place is given back by release().
  void acquire(completion<result<void>> granted);

  void release();

  /// The call in one place outlived its time-out, or returned after all.
  void call_is_stuck();
  void call_returned_late();

  /// Refuses everybody who waits, with `why`.
  void close(errc why);

  std::size_t running() const;

 private:
  load_limits limits_;
  mutable std::mutex mutex_;
  std::size_t running_ = 0;
  std::size_t stuck_ = 0;
  std::deque<completion<result<void>>> queue_;
};

}  // namespace weir
