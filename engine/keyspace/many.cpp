// Several keys at once: what is here is served here, the rest goes out as one request per owner
// (many_call.cpp).

#include "keyspace/many.hpp"

#include "keyspace/keyspace_core.hpp"
#include "keyspace/within_timeout.hpp"
#include "source/thrown_failure.hpp"

#include <boost/asio/detached.hpp>

#include <map>
#include <utility>

namespace weir {
namespace {

// Whatever a source throws ends here.
asio::awaitable<result<std::vector<result<loaded>>>> guarded_many(
    std::shared_ptr<data_source> source, std::vector<std::string> keys, load_context context
) {
  try {
    co_return co_await source->async_load_many(std::move(keys), context);
  } catch (...) {
    co_return thrown_failure(context);
  }
}

}  // namespace

void keyspace_core::find_many(
    std::vector<std::string> keys, get_options options, completion<std::vector<result<lookup>>> done
) {
  if (keys.empty() || options_.is_disabled())
    return std::move(done)(std::vector<result<lookup>>(keys.size(), lookup{}));
  const auto state = std::make_shared<many>();
  state->keys = std::move(keys);
  state->options = options;
  state->deadline = env().now() + options.timeout;
  state->batch = next_batch();
  state->answers.resize(state->keys.size());
  state->missing = state->keys.size();
  state->done = std::move(done);

  const auto route = context_->route.get();
  const bool hedges = may_hedge(options.from);
  std::map<std::uint16_t, std::vector<std::size_t>> by_owner;
  flight_list together;
  const flight_traits traits{state->batch, source_->is_batched() ? &together : nullptr};
  for (std::size_t i = 0; i != state->keys.size(); ++i) {
    const auto& key = state->keys[i];
    lookup found;
    if (!check_key(key)) {
      find(key, options, [state, i](result<lookup> with) { state->answer(i, std::move(with)); });
    } else if (options.from == read_from::near && held_.hit(key, found, options.attempt)) {
      state->answer(i, std::move(found));
    } else if (const auto owner = route->ring->owner_index(slot_of(options_.name(), key));
               owner != route->self && options.from == read_from::near &&
               route->is_usable[owner].load(std::memory_order_acquire) &&
               !(hedges && route->waits[owner]->is_suspect())) {
      by_owner[owner].push_back(i);
    } else if (owner == route->self && options.from == read_from::near) {
      auto take = [state, i](result<lookup> with) { state->answer(i, std::move(with)); };
      join(
          key,
          held_.hash_of(key),
          flight_kind::owner,
          options,
          state->deadline,
          counting(std::move(take), options.attempt),
          traits
      );
    } else {
      auto take = [state, i](result<lookup> with) { state->answer(i, std::move(with)); };
      find(key, options, std::move(take), state->batch);
    }
  }
  for (auto& [owner, positions] : by_owner) ask_many(state, route, owner, std::move(positions));
  if (!together.empty()) {
    auto loads = load_batch(std::move(together), state->batch);
    asio::co_spawn(env().executor(), std::move(loads), asio::detached);
  }
}

void keyspace_core::serve_many(
    get_many_request request,
    milliseconds timeout,
    completion<get_many_reply> done,
    completion<> loading
) {
  struct gathered {
    get_many_reply reply;
    std::atomic<std::size_t> missing;
    completion<get_many_reply> done;
  };

  if (request.keys.empty()) return std::move(done)(get_many_reply());
  if (const auto next = successor()) {
    return next->serve_many(std::move(request), timeout, std::move(done), std::move(loading));
  }
  const auto state = std::make_shared<gathered>();
  state->reply.answers.resize(request.keys.size());
  state->missing = request.keys.size();
  state->done = std::move(done);

  const auto deadline = env().now() + timeout;
  const auto kind = request.role == serve_as::owner ? flight_kind::owner : flight_kind::gutter;
  flight_list together;
  const flight_traits traits{next_batch(), source_->is_batched() ? &together : nullptr};
  for (std::size_t i = 0; i != request.keys.size(); ++i) {
    const auto& key = request.keys[i];
    auto take = [self = shared_from_this(), state, i](result<lookup> found) {
      auto& reply = state->reply.answers[i];
      if (found) {
        reply.answer = std::move(*found);
      } else {
        reply.error = self->why_failed(found.error());
      }
      if (state->missing.fetch_sub(1) == 1) std::move(state->done)(std::move(state->reply));
    };
    get_reply held;
    if (!check_key(key)) {
      // The read counts at the asker.
      const get_options again{.timeout = timeout, .attempt = read_attempt::again};
      find(key, again, std::move(take));
    } else if (try_serve({.keyspace = {}, .key = key, .role = request.role}, held)) {
      take(std::move(held.answer));
    } else {
      if (loading && kind == flight_kind::owner) std::exchange(loading, nullptr)();
      join(key, held_.hash_of(key), kind, {}, deadline, std::move(take), traits);
    }
  }
  if (!together.empty()) {
    auto loads = load_batch(std::move(together), traits.batch);
    asio::co_spawn(env().executor(), std::move(loads), asio::detached);
  }
}

// One source call, and one place in the limiter, for all flights that can begin now; the others fly
// alone.
asio::awaitable<void> keyspace_core::load_batch(flight_list flights, std::uint64_t batch) {
  const auto self = shared_from_this();
  auto place = [&](completion<result<void>> granted) {
    limiter_.acquire(batch, std::move(granted));
  };
  if (const auto granted = co_await await_result<void>(place); !granted) {
    note_refused(granted.error());
    for (const auto& each : flights) finish(each, granted.error());
    co_return;
  }
  flight_list begun_flights;
  std::vector<std::string> keys;
  for (auto& each : flights) {
    if (!try_take_turn(*each)) {
      spawn(fly(std::move(each)));
      continue;
    }
    lookup found;
    const auto state = begin(*each, found);
    if (state == begun::yes) {
      keys.push_back(each->key);
      begun_flights.push_back(std::move(each));
    } else if (state == begun::found_meanwhile) {
      finish(each, found);
    } else {
      finish(each, errc::deadline_exceeded);
    }
  }
  if (keys.empty()) {
    limiter_.release();
    co_return;
  }
  const auto began = env().now();
  const auto remark = std::make_shared<source_remark>();
  const load_context context{env(), began + options_.load_timeout(), remark};
  using answers_type = std::vector<result<loaded>>;
  auto answers = co_await within_timeout(guarded_many(source_, keys, context), context.deadline);
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(env().now() - began);
  counters_.count_call(took);
  keyspace_counters::add(counters_.source_batches);
  if (!answers) answers = answers_type(keys.size(), answers.error());
  answers->resize(keys.size(), errc::source_failed);
  for (std::size_t i = 0; i != begun_flights.size(); ++i) {
    auto& flown = begun_flights[i];
    give_back_turn(*flown);
    auto answer = judged(std::move((*answers)[i]), *remark);
    note(answer);
    finish(flown, land(*flown, std::move(answer), began));
  }
}

}  // namespace weir
