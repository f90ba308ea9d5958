#pragma once

#include "tests/sim/world/sim_clock.hpp"
#include "tests/sim/world/sim_random.hpp"

#include <weir/engine/environment.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <set>
#include <unordered_map>
#include <vector>

namespace weir::sim {

/// Whom an event belongs to: one incarnation of one node, or nobody.
using owner_id = std::uint32_t;
inline constexpr owner_id the_world = 0;

using event_id = std::uint64_t;
using action = completion<>;

/// Virtual time and the one queue of everything that will happen.
///
/// Events run in the order of (time, seeded tie-break, number), so a seed names one history. Events
/// of an owner can be held back (a frozen node) or dropped (a dead one). Single-threaded.
class scheduler {
 public:
  explicit scheduler(std::uint64_t seed);
  ~scheduler();
  scheduler(const scheduler&) = delete;
  scheduler& operator=(const scheduler&) = delete;

  instant now() const noexcept { return now_; }

  /// Runs `what` at `when`, or next if that has passed. Never runs it before returning.
  event_id at(instant when, action what, owner_id owner = the_world);

  event_id after(duration delay, action what, owner_id owner = the_world) {
    return at(now_ + delay, std::move(what), owner);
  }

  /// Drops an event that did not run yet; a no-op for others.
  void cancel(event_id event) noexcept;

  /// Keeps the events of `owner` back from now on, also those that come due.
  void hold(owner_id owner) { held_.try_emplace(owner); }

  /// Runs what was held back, in seeded order, and then the owner's events as usual.
  void release(owner_id owner);

  bool is_held(owner_id owner) const { return held_.contains(owner); }

  /// Destroys all events of `owner`, held ones too. Returns how many there were.
  std::size_t drop(owner_id owner);

  /// Runs the next event; false when there is none.
  bool step();

  /// Runs everything due up to `when` and sets the time to it.
  void run_until(instant when);

  void run_for(duration time) { run_until(now_ + time); }

  /// Runs until `done` says so, at most up to `limit`. Returns what `done` said last.
  bool run_until(const std::function<bool()>& done, instant limit);

  /// Nothing runs any more: the three above return at once, wherever the time stands.
  void stop() noexcept { is_stopped_ = true; }

  bool is_stopped() const noexcept { return is_stopped_; }

  /// A hash of everything that ran so far, and of everything told to note().
  std::uint64_t history() const noexcept { return history_; }

  void note(std::uint64_t fact) noexcept { history_ = mix(history_ ^ fact); }

 private:
  struct place {
    instant when;
    std::uint64_t tie;
    event_id event;
    friend auto operator<=>(const place&, const place&) = default;
  };

  struct pending {
    action what;
    owner_id owner;
  };

  random_stream random_;
  instant now_{0};
  event_id last_event_ = 0;
  bool is_stopped_ = false;
  std::uint64_t history_ = 0;
  std::priority_queue<place, std::vector<place>, std::greater<>> queue_;
  std::unordered_map<event_id, pending> pending_;
  std::map<owner_id, std::vector<event_id>> held_;
};

}  // namespace weir::sim
