#include "runtime/boot_clock.hpp"
#include "runtime/event_loop.hpp"
#include "runtime/worker_pool.hpp"

#include <weir/engine/runtime.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <sched.h>
#include <stdexcept>
#include <string>
#include <sys/random.h>
#include <system_error>
#include <unistd.h>

namespace weir {
namespace {

constexpr std::size_t max_loops = 256;  // their index has 8 bits in a timer_id

std::size_t usable_cores() {
  cpu_set_t cores;
  if (::sched_getaffinity(0, sizeof cores, &cores) != 0) return 1;
  return std::clamp<std::size_t>(static_cast<std::size_t>(CPU_COUNT(&cores)), 1, max_loops);
}

std::uint64_t system_random() {
  std::uint64_t drawn = 0;
  while (::getrandom(&drawn, sizeof drawn, 0) != sizeof drawn) {
    if (errno != EINTR) {
      throw std::system_error(
          errno, std::generic_category(), "weir: the system gives no random numbers"
      );
    }
  }
  return drawn;
}

/// The output function of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
std::uint64_t mix(std::uint64_t of) noexcept {
  of = (of ^ (of >> 30)) * 0xbf58476d1ce4e5b9;
  of = (of ^ (of >> 27)) * 0x94d049bb133111eb;
  return of ^ (of >> 31);
}

runtime_options checked(runtime_options options) {
  if (options.threads > max_loops) {
    throw std::invalid_argument(
        "weir: runtime_options::threads is " + std::to_string(options.threads) +
        "; allowed are 0 to 256"
    );
  }
  if (options.worker_threads == 0 || options.worker_threads > 4096) {
    throw std::invalid_argument(
        "weir: runtime_options::worker_threads is " + std::to_string(options.worker_threads) +
        "; allowed are 1 to 4096"
    );
  }
  if (options.worker_queue == 0) {
    throw std::invalid_argument("weir: runtime_options::worker_queue is 0; allowed are 1 and more");
  }
  if (options.threads == 0) options.threads = usable_cores();
  options.worker_threads_total = std::max(options.worker_threads_total, options.worker_threads);
  return options;
}

}  // namespace

struct runtime::state {
  boot_clock clock;
  std::vector<std::unique_ptr<event_loop>> loops;
  worker_pool workers;
  std::atomic<std::size_t> next_loop{0};
  std::atomic<std::uint64_t> sequence;
  std::uint64_t hash_seed;
  const pid_t process = ::getpid();

  // The table seed is secret, and one answer of random() tells all later ones: they share nothing.
  explicit state(const runtime_options& options)
      : workers(
            {.working = options.worker_threads,
             .total = options.worker_threads_total,
             .queue = options.worker_queue}
        ),
        sequence(options.seed ? mix(*options.seed) : system_random()),
        hash_seed(options.seed ? mix(~*options.seed) : system_random()) {
    for (std::size_t i = 0; i < options.threads; ++i) {
      loops.push_back(std::make_unique<event_loop>(this, static_cast<std::uint8_t>(i), clock));
    }
    try {
      for (auto& loop : loops) loop->start();
    } catch (...) {
      stop();
      throw;
    }
  }

  ~state() {
    stop();
    for (auto& loop : loops) loop->drop_all();
  }

  void stop() noexcept {
    workers.stop();  // first: a source that runs may wait for something that a loop does
    for (auto& loop : loops) loop->stop();
  }

  event_loop* mine() const noexcept {
    event_loop* const current = event_loop::current();
    return current != nullptr && current->owner() == this ? current : nullptr;
  }

  event_loop& here_or_next() noexcept {
    if (event_loop* const current = mine()) return *current;
    return *loops[next_loop.fetch_add(1, std::memory_order_relaxed) % loops.size()];
  }
};

runtime::runtime(runtime_options options) : state_(std::make_unique<state>(checked(options))) {}

runtime::~runtime() = default;

void runtime::stop() {
  if (state_->mine() != nullptr || state_->workers.is_mine()) {
    throw std::logic_error("weir: runtime::stop() was called on one of the runtime's own threads");
  }
  state_->stop();
}

std::vector<asio::io_context*> runtime::loops() {
  std::vector<asio::io_context*> all;
  all.reserve(state_->loops.size());
  for (auto& loop : state_->loops) all.push_back(&loop->io());
  return all;
}

time_point runtime::now() const noexcept {
  return state_->clock.now();
}

time_point runtime::coarse_now() const noexcept {
  return state_->clock.coarse_now();
}

std::uint64_t runtime::random() noexcept {
  return mix(state_->sequence.fetch_add(0x9e3779b97f4a7c15, std::memory_order_relaxed));
}

std::uint64_t runtime::hash_seed() const noexcept {
  return state_->hash_seed;
}

asio::any_io_executor runtime::executor() noexcept {
  return state_->here_or_next().io().get_executor();
}

bool runtime::on_event_loop() const noexcept {
  return event_loop::current() != nullptr;
}

timer_id runtime::schedule(time_point when, completion<> callback) {
  return state_->here_or_next().schedule(when, std::move(callback));
}

void runtime::cancel(timer_id timer) noexcept {
  const std::size_t index = timer_queue::tag_of(timer);
  if (timer != 0 && index < state_->loops.size()) state_->loops[index]->cancel(timer);
}

error_code runtime::run_blocking(completion<> work) {
  return state_->workers.run(std::move(work));
}

void runtime::begin_wait() noexcept {
  state_->workers.begin_wait();
}

void runtime::end_wait() noexcept {
  state_->workers.end_wait();
}

bool runtime::was_forked() const noexcept {
  return ::getpid() != state_->process;
}

}  // namespace weir
