#pragma once

#include <weir/engine/api.hpp>
#include <weir/engine/environment.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace boost::asio {
class io_context;
}

namespace weir WEIR_API {

/// How a runtime is made.
struct runtime_options {
  /// Event loops, one thread each, at most 256. 0 = one per core that this process may use.
  std::size_t threads = 0;

  /// Threads of the pool for blocking code that work at the same time; made on demand, gone after
  /// 10 s idle.
  std::size_t worker_threads = 64;

  /// All threads of that pool, including those that wait inside begin_wait(); at least
  /// worker_threads.
  std::size_t worker_threads_total = 512;

  /// Jobs that wait for a worker; more are refused with errc::overloaded.
  std::size_t worker_queue = 4096;

  /// Makes random() and hash_seed() repeat themselves, for tests. None = seeded by the system.
  std::optional<std::uint64_t> seed = std::nullopt;
};

/// The environment of a real process: its clocks, event loops, timers and worker threads.
///
/// The constructor starts the loops; it throws std::invalid_argument for numbers out of range and
/// std::system_error when the system has no more threads or file descriptors. An exception that
/// leaves a callback ends the process, as with any thread; sources are guarded, see
/// data_source.hpp.
///
/// coarse_now() is never ahead of now() and never goes back; it is one kernel tick (1 to 10 ms)
/// behind. After the machine slept it catches up at the next timer or now() of any thread. A
/// callback of schedule() runs on its associated executor if it has one, else on the loop of the
/// thread that scheduled it.
class runtime final : public environment {
 public:
  explicit runtime(runtime_options options = {});

  /// stop(), then drops everything that still waits on the loops. Engines that use it are gone
  /// before.
  ~runtime() override;

  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  /// Ends the worker pool, then the loops, and joins their threads: waits for sources that are
  /// running, drops jobs and timers that have not begun. Idempotent. Afterwards nothing runs here
  /// any more: timers never fire and run_blocking() fails with errc::unavailable. Throws
  /// std::logic_error on one of the runtime's own threads.
  void stop();

  /// One per event loop, for sockets; valid as long as the runtime.
  std::vector<asio::io_context*> loops();

  time_point now() const noexcept override;
  time_point coarse_now() const noexcept override;
  std::uint64_t random() noexcept override;
  std::uint64_t hash_seed() const noexcept override;
  asio::any_io_executor executor() noexcept override;
  bool on_event_loop() const noexcept override;
  timer_id schedule(time_point when, completion<> callback) override;
  void cancel(timer_id timer) noexcept override;

  /// Runs `work` on a worker thread. Work that has not begun is destroyed without being called when
  /// the runtime stops, or when every thread of the pool waits for another one and no more may be
  /// made.
  error_code run_blocking(completion<> work) override;
  void begin_wait() noexcept override;
  void end_wait() noexcept override;
  bool was_forked() const noexcept override;

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace weir
