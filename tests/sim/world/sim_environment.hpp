#pragma once

#include "tests/sim/world/sim_clock.hpp"
#include "tests/sim/world/sim_random.hpp"
#include "tests/sim/world/sim_scheduler.hpp"

#include <weir/engine/environment.hpp>

#include <boost/asio/io_context.hpp>

#include <cstddef>
#include <cstdint>
#include <map>

namespace weir::sim {

/// How the machine of one node differs from an ideal one.
struct machine {
  node_clock clock{};
  duration coarse_tick = 5ms;       ///< coarse_now() lags by less than this
  duration timer_lateness = 200us;  ///< mean; timers never fire early
  std::size_t pool_size = 16;       ///< blocking calls at once
  std::uint64_t seed = 1;
  bool clock_stops_in_freeze = false;  ///< as CLOCK_MONOTONIC does: the wrong clock for a lease
};

/// The environment of one incarnation of one node: its own clock and event loop under virtual time.
///
/// The loop is polled by the scheduler, one event at a time; while the node is frozen its events
/// wait, and after crash() it never runs again. Destroy what uses it between crash() and the
/// destructor.
class sim_environment final : public environment {
 public:
  sim_environment(scheduler& world, owner_id owner, const machine& on);
  ~sim_environment() override;
  sim_environment(const sim_environment&) = delete;
  sim_environment& operator=(const sim_environment&) = delete;

  time_point now() const noexcept override { return machine_.clock.at(world_.now() - slept_); }

  time_point coarse_now() const noexcept override;

  std::uint64_t random() noexcept override { return random_.next(); }

  std::uint64_t hash_seed() const noexcept override { return hash_seed_; }

  asio::any_io_executor executor() noexcept override { return loop_.get_executor(); }

  bool on_event_loop() const noexcept override { return !in_pool_; }

  timer_id schedule(time_point when, completion<> callback) override;

  void cancel(timer_id timer) noexcept override;

  error_code run_blocking(completion<> work) override;

  void begin_wait() noexcept override {}

  void end_wait() noexcept override {}

  /// Runs `work` on the node's loop, and whatever it makes ready, before returning. Only for events
  /// of the scheduler, never from within the loop itself.
  void run(action work);

  /// run() at a virtual time; waits while the node is frozen and is dropped if it dies before.
  event_id run_at(instant when, action work);

  /// The process is gone: every timer, blocking call and ready handler is destroyed without
  /// running, and later ones are destroyed at once. Coroutine frames die here, while what they
  /// refer to is still alive.
  void crash();

  /// The process is about to be gone: nothing runs or is answered any more. crash() follows.
  void die() noexcept { alive_ = false; }

  bool is_alive() const noexcept { return alive_; }

  std::uint64_t timers_set() const noexcept { return timers_set_; }

  owner_id owner() const noexcept { return owner_; }

  scheduler& world() noexcept { return world_; }

  /// The first instant at which now() is `local` or more, unless the node is frozen until then.
  instant when(time_point local) const noexcept { return machine_.clock.when(local) + slept_; }

  /// The machine was frozen for `time` just now.
  void slept(duration time) noexcept {
    if (machine_.clock_stops_in_freeze) slept_ += time;
  }

 private:
  struct event_loop : asio::io_context {
    event_loop() : asio::io_context(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE) {}

    using asio::execution_context::shutdown;
  };

  void poll();
  void fire(event_id timer, time_point local, action work);

  scheduler& world_;
  const owner_id owner_;
  const machine machine_;
  random_stream random_;
  random_stream lateness_;
  const std::uint64_t hash_seed_;
  event_loop loop_;
  duration slept_{0};                     // of a clock that stops in a freeze
  std::map<event_id, event_id> put_off_;  // timers that such a clock made wait once more
  std::uint64_t timers_set_ = 0;
  std::size_t in_pool_now_ = 0;
  bool in_pool_ = false;
  bool alive_ = true;
};

}  // namespace weir::sim
