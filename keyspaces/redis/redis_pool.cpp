#include "redis/redis_pool.hpp"

#include <boost/asio/this_coro.hpp>

namespace weir {

redis_pool::~redis_pool() {
  for (const auto& each : made_) {
    if (const auto held = each.lock()) held->close();
  }
}

asio::awaitable<resp_outcome> redis_pool::async_call(
    resp_commands commands, resp_connection::time_point deadline, redis_repeat how
) {
  const auto here = co_await asio::this_coro::executor;
  const auto shared = std::make_shared<const resp_commands>(std::move(commands));
  auto by = pick(here);
  auto outcome = co_await resp_connection::async_call(by.connection, shared, deadline);
  const auto is_harmless = [how](const resp_outcome& of) {
    const bool is_lost = of.fault && of.fault->what == resp_fault::kind::lost;
    return is_lost && (how == redis_repeat::when_lost || !of.fault->was_sent);
  };
  // All that were idle may have died unseen.
  for (std::size_t tries = 0; tries != most_ && by.is_old && is_harmless(outcome); ++tries) {
    by = pick(here);
    outcome = co_await resp_connection::async_call(by.connection, shared, deadline);
  }
  co_return outcome;
}

redis_pool::picked redis_pool::pick(const asio::any_io_executor& here) {
  const std::lock_guard lock(mutex_);
  std::erase_if(made_, [](const auto& each) {
    const auto held = each.lock();
    return !held || held->is_over();
  });
  for (const auto& each : made_) {
    const auto held = each.lock();
    if (held && held->executor() == here) return {each, held->is_greeted()};
  }
  if (made_.size() < most_) {
    made_.push_back(resp_connection::open(here, server_.connection(limits_)));
    return {made_.back(), false};
  }
  const auto& turn = made_[next_++ % made_.size()];
  const auto held = turn.lock();
  return {turn, held && held->is_greeted()};
}

}  // namespace weir
