// Loads that come at about the same time go to the source as one call, where the source can take
// several keys: start() decides, load_batch() (many.cpp) makes the call. Each key keeps its own
// flight and fence.

#include "keyspace/keyspace_core.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

namespace weir {
namespace {

constexpr milliseconds max_gathering{1};

}  // namespace

void keyspace_core::start(std::shared_ptr<flight> started) {
  if (!may_gather(*started)) return spawn(fly(std::move(started)));
  using then = load_batcher<std::shared_ptr<flight>>::then;
  auto next = then::wait;
  flight_list full;
  {
    const std::lock_guard lock(gathering_);
    next = batcher_.comes(started, options_.load_batch());
    if (next == then::take_at_once) full = batcher_.take();
  }
  if (next == then::go_alone) return spawn(fly_and_tell(std::move(started)));
  if (next == then::take_at_once) return load_gathered(std::move(full));
  if (next != then::call_soon) return;
  asio::post(env().executor(), [self = shared_from_this()] { self->look_at_gathered(false); });
  const auto end = env().now() + max_gathering;
  env().schedule(end, [self = shared_from_this()] { self->look_at_gathered(true); });
}

// Those that the call of many cannot serve as well: it asks no former owner and explains nothing.
bool keyspace_core::may_gather(const flight& f) const {
  return gathers_ && options_.load_batch() > 1 && f.kind == flight_kind::owner && !f.adopts &&
         !f.explains && f.batch == load_limiter::alone && !may_peek(f.slot, env().now());
}

void keyspace_core::spawn(asio::awaitable<void> work) {
  asio::co_spawn(env().executor(), std::move(work), asio::detached);
}

asio::awaitable<void> keyspace_core::fly_and_tell(std::shared_ptr<flight> flown) {
  const auto self = shared_from_this();
  co_await fly(std::move(flown));
  call_ended();
}

void keyspace_core::load_gathered(flight_list flights) {
  if (!flights.empty()) spawn(load_gathered_batch(std::move(flights)));
}

asio::awaitable<void> keyspace_core::load_gathered_batch(flight_list flights) {
  const auto self = shared_from_this();
  if (flights.size() == 1) {
    co_await fly(std::move(flights.front()));
  } else {
    co_await load_batch(std::move(flights), load_limiter::alone);
  }
  call_ended();
}

void keyspace_core::look_at_gathered(bool is_time_over) {
  flight_list flights;
  {
    const std::lock_guard lock(gathering_);
    flights = batcher_.look(is_time_over);
  }
  load_gathered(std::move(flights));
}

void keyspace_core::call_ended() {
  flight_list flights;
  {
    const std::lock_guard lock(gathering_);
    flights = batcher_.ended();
  }
  load_gathered(std::move(flights));
}

}  // namespace weir
