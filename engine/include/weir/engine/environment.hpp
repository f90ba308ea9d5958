#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/result.hpp>

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace weir WEIR_API {

/// The engine's steady clock. It has no now(): only an environment knows the time.
struct steady {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<steady>;
  static constexpr bool is_steady = true;
};

using time_point = steady::time_point;
using steady_duration = steady::duration;

/// A callback that is called at most once, may own what it needs, and carries its executor if it
/// has one.
///
/// Asio's own, but for the assignment: that of Boost 1.81 calls itself until the stack is used up.
template <class... Arguments>
class completion : public asio::any_completion_handler<void(Arguments...)> {
  using base = asio::any_completion_handler<void(Arguments...)>;

 public:
  using base::base;
  completion() noexcept = default;

  completion(completion&& other) noexcept : base(static_cast<base&&>(other)) {}

  completion& operator=(completion&& other) noexcept {
    base(static_cast<base&&>(other)).swap(*this);
    return *this;
  }

  completion& operator=(std::nullptr_t) noexcept {
    base().swap(*this);
    return *this;
  }
};

/// Names one scheduled callback; 0 = none.
using timer_id = std::uint64_t;

/// Everything the engine needs from the world beside peers and sources: time, randomness, threads.
///
/// The product passes weir::runtime, the simulator its own, on which a whole cluster runs in one
/// thread. Thread-safe: any member may be called from any thread. Outlives every engine that uses
/// it.
class environment {
 public:
  virtual ~environment() = default;

  /// Monotonic, counts while the machine sleeps (CLOCK_BOOTTIME). About 22 ns.
  virtual time_point now() const noexcept = 0;

  /// At most 10 ms behind now(), for expiry on the hit path. About 5 ns.
  virtual time_point coarse_now() const noexcept = 0;

  /// 64 random bits: epochs, jitter, incarnations.
  virtual std::uint64_t random() noexcept = 0;

  /// Secret seed of the hash tables, fixed for the life of the environment.
  virtual std::uint64_t hash_seed() const noexcept = 0;

  /// The event loop of the calling thread, or one of the loops when called from elsewhere.
  virtual asio::any_io_executor executor() noexcept = 0;

  /// True on a thread that runs an event loop; blocking there would stop others.
  virtual bool on_event_loop() const noexcept = 0;

  /// Calls `callback` on an event loop at `when` or soon after. Never calls it before returning.
  virtual timer_id schedule(time_point when, completion<> callback) = 0;

  /// Drops the callback; a no-op for one that ran, runs or was cancelled.
  virtual void cancel(timer_id timer) noexcept = 0;

  /// Runs `work` on the bounded pool for blocking code. errc::overloaded when the pool is full.
  [[nodiscard]] virtual error_code run_blocking(completion<> work) = 0;

  /// Tells the pool that the calling thread, if it is one of its own, is about to wait, or is done
  /// waiting. Meanwhile another thread may take its place, so that waiting sources never starve
  /// each other.
  virtual void begin_wait() noexcept = 0;
  virtual void end_wait() noexcept = 0;

  /// True in a process that was forked off the one that made this: its threads stayed behind, so
  /// that nothing that needs one ever ends.
  virtual bool was_forked() const noexcept { return false; }
};

}  // namespace weir

template <class... Arguments, class Candidate>
struct boost::asio::associated_executor<weir::completion<Arguments...>, Candidate>
    : associated_executor<any_completion_handler<void(Arguments...)>, Candidate> {};
