#include "tests/sim/world/sim_environment.hpp"

#include <boost/asio/post.hpp>

#include <memory>
#include <stdexcept>
#include <utility>

namespace weir::sim {

namespace {

constexpr std::size_t most_handlers_per_event = 1'000'000;
constexpr int most_rounds_of_destruction = 100;

}  // namespace

sim_environment::sim_environment(scheduler& world, owner_id owner, const machine& on)
    : world_(world),
      owner_(owner),
      machine_(on),
      random_(on.seed, 0xe14d),
      lateness_(on.seed, 0x1a7e),
      hash_seed_(mix(on.seed ^ 0x4a54)) {}

sim_environment::~sim_environment() {
  crash();
}

time_point sim_environment::coarse_now() const noexcept {
  const auto shown = now().time_since_epoch();
  return time_point(shown - shown % machine_.coarse_tick);
}

timer_id sim_environment::schedule(time_point when, completion<> callback) {
  if (!alive_) return 0;
  ++timers_set_;
  const duration late =
      lateness_.exponential(machine_.timer_lateness, 20 * machine_.timer_lateness);
  const instant due = this->when(when) + late;
  if (!machine_.clock_stops_in_freeze) return run_at(due, std::move(callback));
  auto named = std::make_shared<event_id>(0);
  auto ring = [this, named, when, callback = std::move(callback)]() mutable {
    fire(*named, when, std::move(callback));
  };
  return *named = world_.at(due, std::move(ring), owner_);
}

void sim_environment::fire(event_id timer, time_point local, action work) {
  put_off_.erase(timer);
  if (now() >= local) return run(std::move(work));
  auto again = [this, timer, local, work = std::move(work)]() mutable {
    fire(timer, local, std::move(work));
  };
  put_off_[timer] = world_.at(when(local), std::move(again), owner_);
}

void sim_environment::cancel(timer_id timer) noexcept {
  const auto later = put_off_.find(timer);
  world_.cancel(later == put_off_.end() ? timer : later->second);
  if (later != put_off_.end()) put_off_.erase(timer);
}

error_code sim_environment::run_blocking(completion<> work) {
  if (!alive_ || in_pool_now_ == machine_.pool_size) return errc::overloaded;
  ++in_pool_now_;
  auto call = [this, work = std::move(work)]() mutable {
    --in_pool_now_;
    in_pool_ = true;
    std::move(work)();
    in_pool_ = false;
    poll();
  };
  world_.after(lateness_.between(20us, 2ms), std::move(call), owner_);
  return {};
}

void sim_environment::run(action work) {
  if (!alive_) return;
  asio::post(loop_, [work = std::move(work)]() mutable { std::move(work)(); });
  poll();
}

event_id sim_environment::run_at(instant when, action work) {
  if (!alive_) return 0;
  auto event = [this, work = std::move(work)]() mutable { run(std::move(work)); };
  return world_.at(when, std::move(event), owner_);
}

void sim_environment::poll() {
  loop_.restart();
  for (std::size_t ran = 0; loop_.poll_one() != 0; ++ran)
    if (ran == most_handlers_per_event)
      throw std::runtime_error("livelock: one event made a million handlers ready on one node");
}

void sim_environment::crash() {
  alive_ = false;
  // A destroyed frame may make another handler ready or drop a timer: repeat until nothing is left.
  for (int round = 0; round < most_rounds_of_destruction; ++round) {
    loop_.shutdown();
    if (world_.drop(owner_) == 0) return;
  }
}

}  // namespace weir::sim
