// update(): read, compute, write if nothing changed, again. What happens when is decided by
// update_run.

#include "async/await.hpp"
#include "async/claim_until.hpp"
#include "async/key_turns.hpp"
#include "async/run_blocking.hpp"
#include "keyspace/keyspace_core.hpp"
#include "keyspace/update_run.hpp"

#include <weir/engine/keyspace.hpp>

#include <stdexcept>

namespace weir {
namespace {

result<void> may_update(keyspace_core* core, std::string_view key) {
  if (core == nullptr) return errc::no_keyspace;
  if (const auto checked = core->check_key(key); !checked) return checked.error();
  if (core->options().writes() == writes::deny) return errc::method_not_allowed;
  return {};
}

void check(const update_function& compute, const update_options& options) {
  if (!compute) throw std::invalid_argument("weir: update() was given an empty function");
  if (options.max_attempts == 0)
    throw std::invalid_argument("weir: update() needs max_attempts of 1 or more");
}

update_run make_run(
    keyspace_core& core,
    std::string_view key,
    update_function compute,
    const update_options& options
) {
  const auto judged = core.as_store() != nullptr ? update_run::absence::judged_by_store
                                                 : update_run::absence::by_version;
  return {core.env(), core.options().name(), std::string(key), std::move(compute), options, judged};
}

asio::awaitable<result<void>> take_turn(
    std::shared_ptr<keyspace_core> core, std::string key, time_point deadline
) {
  auto take = [&](completion<result<void>> granted) {
    core->update_turns().acquire(key, std::move(granted));
  };
  auto give_back = [core, key] { core->update_turns().release(core->env(), key); };
  co_return co_await claim_until(core->env(), deadline, take, std::move(give_back));
}

error late(const error& why) {
  return why == errc::overloaded ? error(errc::deadline_exceeded, why) : why;
}

// False when the keyspace was removed meanwhile.
bool goes_on(keyspace_core& core, update_run& run) {
  if (const auto opened = core.current()->open(); !opened) run.give_up(opened.error());
  return !run.has_ended();
}

}  // namespace

asio::awaitable<result<updated>> keyspace::async_update(
    std::string key, update_function compute, update_options options
) {
  const auto core = current();
  check(compute, options);
  if (options.tries != nullptr) *options.tries = {};
  if (const auto may = may_update(core.get(), key); !may) co_return may.error();
  auto run = make_run(*core, key, std::move(compute), options);
  const auto granted = co_await take_turn(core, key, run.deadline());
  if (!granted) co_return late(granted.error());
  const key_turn turn(core->update_turns(), core->env(), key);
  for (;;) {
    const auto found = co_await async_find(key, run.how_to_read());
    run.found(found);
    if (run.has_change()) {
      const auto done = co_await core->change(run.take(), run.time_left());
      run.changed(done);
    }
    if (run.has_ended() || !goes_on(*core, run)) co_return run.outcome();
    auto wait = [&](completion<result<void>> over) {
      auto wake = [over = std::move(over)]() mutable { std::move(over)(result<void>()); };
      core->env().schedule(run.retry_at(), std::move(wake));
    };
    if (const auto waited = co_await await_result<void>(wait); !waited) co_return waited.error();
  }
}

// On the calling thread, where the function may block.
result<updated> keyspace::update(
    std::string_view key, update_function compute, update_options options
) {
  const auto core = current();
  check(compute, options);
  if (options.tries != nullptr) *options.tries = {};
  if (const auto may = may_update(core.get(), key); !may) return may.error();
  auto run = make_run(*core, key, std::move(compute), options);
  const auto granted = run_blocking(core->env(), take_turn(core, std::string(key), run.deadline()));
  if (!granted) return late(granted.error());
  const key_turn turn(core->update_turns(), core->env(), key);
  for (;;) {
    run.found(find(key, run.how_to_read()));
    if (run.has_change()) {
      run.changed(run_blocking(core->env(), core->change(run.take(), run.time_left())));
    }
    if (run.has_ended() || !goes_on(*core, run)) return run.outcome();
    auto wait = [&](completion<result<void>> over) {
      auto wake = [over = std::move(over)]() mutable { std::move(over)(result<void>()); };
      core->env().schedule(run.retry_at(), std::move(wake));
    };
    block_on<void>(core->env(), wait).value();
  }
}

}  // namespace weir
