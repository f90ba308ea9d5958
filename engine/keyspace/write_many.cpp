// put_many and remove_many: some writers take one change after the other.

#include "async/await.hpp"
#include "keyspace/keyspace_core.hpp"

#include <weir/engine/keyspace.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

#include <algorithm>
#include <atomic>

namespace weir {
namespace {

constexpr std::size_t writers = 32;

using answers = std::vector<result<change_result>>;

struct batch {
  struct item {
    change_request request;
    milliseconds timeout;
    bool is_refused = false;
  };

  std::shared_ptr<keyspace_core> core;
  std::vector<item> items;
  answers done_items;
  std::atomic<std::size_t> next{0}, running{0};
  completion<result<answers>> done;
};

asio::awaitable<void> write_some(std::shared_ptr<batch> of) {
  for (;;) {
    const auto i = of->next.fetch_add(1);
    if (i >= of->items.size()) break;
    auto& item = of->items[i];
    if (item.is_refused) continue;
    try {
      of->done_items[i] = co_await of->core->change(std::move(item.request), item.timeout);
    } catch (const std::exception&) {
      of->done_items[i] = errc::unknown_outcome;
    }
  }
  if (of->running.fetch_sub(1) == 1) std::move(of->done)(std::move(of->done_items));
}

void refuse(batch& in, std::size_t i, errc why) {
  in.done_items[i] = why;
  in.items[i].is_refused = true;
}

// Refused before anything is written: the second and later changes of one key.
void refuse_duplicates(batch& in) {
  boost::unordered_flat_set<std::string_view> seen;
  for (std::size_t i = 0; i != in.items.size(); ++i) {
    if (!seen.insert(in.items[i].request.key).second) refuse(in, i, errc::bad_request);
  }
}

void start(const std::shared_ptr<batch>& of, completion<result<answers>> done) {
  refuse_duplicates(*of);
  of->done = std::move(done);
  of->running = std::clamp<std::size_t>(of->items.size(), 1, writers);
  for (auto left = of->running.load(); left != 0; --left) {
    asio::co_spawn(of->core->env().executor(), write_some(of), asio::detached);
  }
}

std::shared_ptr<batch> puts(std::shared_ptr<keyspace_core> core, std::vector<put_item> items) {
  auto made = std::make_shared<batch>();
  made->core = std::move(core);
  made->done_items.assign(items.size(), errc::unavailable);
  made->items.resize(items.size());
  for (std::size_t i = 0; i != items.size(); ++i) {
    auto& from = items[i];
    auto& to = made->items[i];
    to.timeout = from.options.timeout;
    to.request.keyspace = made->core->options().name();
    to.request.kind = change_kind::put;
    to.request.key = std::move(from.key);
    to.request.value = std::move(from.value);
    to.request.ttl = from.options.ttl;
    to.request.condition = from.options.condition;
    const auto ttl = from.options.ttl.value_or(milliseconds(0));
    if (ttl < milliseconds(0) || ttl > max_ttl) refuse(*made, i, errc::bad_request);
  }
  return made;
}

std::shared_ptr<batch> removes(
    std::shared_ptr<keyspace_core> core,
    std::vector<std::string> keys,
    const change_options& options
) {
  auto made = std::make_shared<batch>();
  made->core = std::move(core);
  made->done_items.assign(keys.size(), errc::unavailable);
  made->items.resize(keys.size());
  for (std::size_t i = 0; i != keys.size(); ++i) {
    auto& to = made->items[i];
    to.timeout = options.timeout;
    to.request.keyspace = made->core->options().name();
    to.request.kind = change_kind::remove;
    to.request.key = std::move(keys[i]);
    to.request.condition = options.condition;
  }
  return made;
}

result<void> may_write(keyspace_core* core, std::size_t count) {
  if (core == nullptr) return errc::no_keyspace;
  if (const auto opened = core->open(); !opened) return opened.error();
  if (core->options().writes() == writes::deny) return errc::method_not_allowed;
  if (count > max_batch_keys) return errc::too_large;
  return {};
}

asio::awaitable<answers> write(std::shared_ptr<batch> of) {
  const auto count = of->items.size();
  auto begin = [&](completion<result<answers>> done) { start(of, std::move(done)); };
  auto done = co_await await_result<answers>(begin);
  if (!done) co_return answers(count, errc::unknown_outcome);  // the caller gave up
  co_return std::move(*done);
}

answers write_blocking(const std::shared_ptr<batch>& of) {
  const auto count = of->items.size();
  auto begin = [&](completion<result<answers>> done) { start(of, std::move(done)); };
  auto done = block_on<answers>(of->core->env(), begin);
  return done ? std::move(*done) : answers(count, done.error());
}

}  // namespace

asio::awaitable<answers> keyspace::async_put_many(std::vector<put_item> items) {
  const auto core = current();
  const auto may = may_write(core.get(), items.size());
  if (!may) co_return answers(items.size(), may.error());
  co_return co_await write(puts(core, std::move(items)));
}

answers keyspace::put_many(std::vector<put_item> items) {
  const auto core = current();
  const auto may = may_write(core.get(), items.size());
  if (!may) return answers(items.size(), may.error());
  return write_blocking(puts(core, std::move(items)));
}

asio::awaitable<answers> keyspace::async_remove_many(
    std::vector<std::string> keys, change_options options
) {
  const auto core = current();
  const auto may = may_write(core.get(), keys.size());
  if (!may) co_return answers(keys.size(), may.error());
  co_return co_await write(removes(core, std::move(keys), options));
}

answers keyspace::remove_many(std::vector<std::string> keys, change_options options) {
  const auto core = current();
  const auto may = may_write(core.get(), keys.size());
  if (!may) return answers(keys.size(), may.error());
  return write_blocking(removes(core, std::move(keys), options));
}

}  // namespace weir
