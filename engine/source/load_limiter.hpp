#pragma once

#include <weir/engine/environment.hpp>
#include <weir/engine/options.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace weir {

/// How many source calls of one keyspace may run on this node, and which loads wait for a place.
///
/// A batch is one caller that waits, however many keys it has, and its keys are not refused: they
/// take places as they become free, in turns with those of other batches and with single loads.
/// `loads.queue` counts single loads; of all batches together max_batch_loads keys may wait.
///
/// A call that outlived its time-out keeps its place until the source returns: a source that hangs
/// forever must not collect more and more calls. When only such calls are left, callers are refused
/// at once. Thread-safe.
class load_limiter {
 public:
  /// The batch of a load that is in none, and of those whose batch is at another node.
  static constexpr std::uint64_t alone = 0;
  static constexpr std::uint64_t of_others = 1;

  load_limiter(environment& env, load_limits limits) : env_(env), limits_(limits) {}

  /// Calls `granted` when there is a place, maybe at once, or with errc::overloaded and why. A
  /// granted place is given back by release().
  void acquire(std::uint64_t batch, completion<result<void>> granted);

  /// Passes the place on, by way of an event loop: never from within the end of the last holder.
  void release();

  /// The call in one place outlived its time-out, or returned after all.
  void call_is_stuck();
  void call_returned_late();

  /// Loads that run or wait already stay; smaller limits hold for later ones.
  void set_limits(load_limits limits);

  /// Refuses every load that waits, with `why`.
  void close(errc why);

  std::size_t running() const;
  std::size_t waiting() const;

 private:
  using load = completion<result<void>>;

  struct batch_line {
    std::uint64_t batch;
    std::deque<load> loads;
  };

  // Under the lock.
  bool wait(std::uint64_t batch, load& granted);
  load take_next();
  std::vector<load> take_all();
  error refusal(std::uint64_t batch) const;

  environment& env_;
  mutable std::mutex mutex_;  // guards the following
  load_limits limits_;
  std::size_t running_ = 0;
  std::size_t stuck_ = 0;
  std::deque<load> singles_;
  std::list<batch_line> batches_;  ///< the one whose turn it is in front
  std::unordered_map<std::uint64_t, std::list<batch_line>::iterator> lines_;
  std::size_t batch_loads_ = 0;
  bool is_turn_of_batches_ = true;
};

}  // namespace weir
