#include "async/await.hpp"
#include "async/run_blocking.hpp"
#include "keyspace/keyspace_core.hpp"
#include "values/to_entry.hpp"

#include <weir/engine/keyspace.hpp>

#include <stdexcept>

namespace weir {
namespace {

boost::system::result<void> check(const std::shared_ptr<keyspace_core>& core) {
  if (!core) return errc::no_keyspace;
  return core->open();
}

void locate(result<lookup>& found, const keyspace_core& core, std::string_view key) {
  if (!found) found = core.located(found.error(), key);
}

void locate(
    std::vector<result<lookup>>& found,
    const keyspace_core& core,
    const std::vector<std::string>& keys
) {
  for (std::size_t i = 0; i != found.size(); ++i) locate(found[i], core, keys[i]);
}

// The steps of a get that only its caller knows; those of the flight come from there.
class asked {
 public:
  asked(keyspace_core* core, std::string_view key, const get_options& options) : core_(core) {
    if (core == nullptr || options.explain == nullptr) return;
    steps_ = &options.explain->steps;
    began_ = core->env().now();
    core->explain_place(key, *steps_);
  }

  void answered(const result<lookup>& found) {
    if (steps_ == nullptr) return;
    const auto took =
        std::chrono::duration_cast<std::chrono::microseconds>(core_->env().now() - began_);
    core_->explain_answer(found, took, *steps_);
  }

 private:
  keyspace_core* core_;
  std::vector<explain_step>* steps_ = nullptr;
  time_point began_{};
};

}  // namespace

std::shared_ptr<keyspace_core> keyspace::current() const {
  return core_ ? core_->current() : nullptr;
}

std::string_view keyspace::name() const noexcept {
  return core_ ? std::string_view(core_->options().name()) : std::string_view();
}

asio::awaitable<result<lookup>> keyspace::async_find(std::string key, get_options options) {
  const auto core = current();
  if (const auto usable = check(core); !usable) co_return usable.error();
  asked trace(core.get(), key, options);
  result<lookup> found = lookup{};
  const bool may_hit = options.from == read_from::near && core->check_key(key);
  if (!may_hit || !core->held().hit(key, *found, options.attempt)) {
    auto start = [&](completion<result<lookup>> done) {
      core->find(key, options, std::move(done));
    };
    found = co_await await_result<lookup>(start);
    locate(found, *core, key);
  }
  trace.answered(found);
  co_return found;
}

result<lookup> keyspace::find(std::string_view key, get_options options) {
  const auto core = current();
  if (const auto usable = check(core); !usable) return usable.error();
  asked trace(core.get(), key, options);
  result<lookup> found = lookup{};
  const bool may_hit = options.from == read_from::near && core->check_key(key);
  if (!may_hit || !core->held().hit(key, *found, options.attempt)) {
    auto start = [&](completion<result<lookup>> done) {
      core->find(std::string(key), options, std::move(done));
    };
    found = block_on<lookup>(core->env(), start);
    locate(found, *core, key);
  }
  trace.answered(found);
  return found;
}

asio::awaitable<result<entry>> keyspace::async_get(std::string key, get_options options) {
  co_return to_entry(co_await async_find(std::move(key), options));
}

result<entry> keyspace::get(std::string_view key, get_options options) {
  // A hit fills the answer where the caller wants it: nothing is moved.
  result<entry> out = entry{};
  bool is_found = false;
  if (options.explain == nullptr && options.from == read_from::near &&
      options.attempt == read_attempt::first && check(core_) && core_->check_key(key) &&
      core_->held().hit(key, *out, is_found)) {
    if (!is_found) out = errc::not_found;
    return out;
  }
  return to_entry(find(key, options));
}

asio::awaitable<std::vector<result<lookup>>> keyspace::async_get_many(
    std::vector<std::string> keys, get_options options
) {
  using answers = std::vector<result<lookup>>;
  const auto core = current();
  if (const auto usable = check(core); !usable) co_return answers(keys.size(), usable.error());
  if (keys.size() > max_batch_keys) co_return answers(keys.size(), errc::too_large);
  auto start = [&](completion<result<answers>> done) {
    auto take = [done = std::move(done)](answers found) mutable {
      std::move(done)(std::move(found));
    };
    core->find_many(keys, options, std::move(take));
  };
  auto found = co_await await_result<answers>(start);
  if (!found) found = answers(keys.size(), found.error());
  locate(*found, *core, keys);
  co_return std::move(*found);
}

std::vector<result<lookup>> keyspace::get_many(std::vector<std::string> keys, get_options options) {
  using answers = std::vector<result<lookup>>;
  const auto core = current();
  if (const auto usable = check(core); !usable) return answers(keys.size(), usable.error());
  if (keys.size() > max_batch_keys) return answers(keys.size(), errc::too_large);
  auto start = [&](completion<result<answers>> done) {
    auto take = [done = std::move(done)](answers found) mutable {
      std::move(done)(std::move(found));
    };
    core->find_many(keys, options, std::move(take));
  };
  auto found = block_on<answers>(core->env(), start);
  if (!found) found = answers(keys.size(), found.error());
  locate(*found, *core, keys);
  return std::move(*found);
}

std::optional<lookup> keyspace::peek(std::string_view key, read_attempt attempt) {
  const auto look_in = [key, attempt](keyspace_core& core) -> std::optional<lookup> {
    lookup found;
    if (!core.check_key(key) || !core.held().hit(key, found, attempt)) return std::nullopt;
    return found;
  };
  if (!core_) return std::nullopt;
  return core_->open() ? look_in(*core_) : look_in(*current());
}

asio::awaitable<result<version>> keyspace::async_observe(std::string key, get_options options) {
  const auto core = current();
  if (const auto usable = check(core); !usable) co_return usable.error();
  co_return co_await core->observe(std::move(key), options.timeout);
}

result<version> keyspace::observe(std::string_view key, get_options options) {
  const auto core = current();
  if (const auto usable = check(core); !usable) return usable.error();
  return run_blocking(core->env(), async_observe(std::string(key), options));
}

asio::awaitable<result<change_result>> keyspace::async_put(
    std::string key, bytes value, put_options options
) {
  const auto core = current();
  if (const auto usable = check(core); !usable) co_return usable.error();
  if (options.ttl && (*options.ttl < milliseconds(0) || *options.ttl > max_ttl)) {
    co_return errc::bad_request;
  }
  change_request request{
      .keyspace = core->options().name(),
      .kind = change_kind::put,
      .key = std::move(key),
      .value = std::move(value),
      .ttl = options.ttl,
      .condition = options.condition,
  };
  co_return co_await core->change(std::move(request), options.timeout);
}

result<change_result> keyspace::put(std::string_view key, bytes value, put_options options) {
  const auto core = current();
  if (const auto usable = check(core); !usable) return usable.error();
  return run_blocking(core->env(), async_put(std::string(key), std::move(value), options));
}

asio::awaitable<result<change_result>> keyspace::async_remove(
    std::string key, change_options options
) {
  const auto core = current();
  if (const auto usable = check(core); !usable) co_return usable.error();
  change_request request{
      .keyspace = core->options().name(),
      .kind = change_kind::remove,
      .key = std::move(key),
      .condition = options.condition,
  };
  co_return co_await core->change(std::move(request), options.timeout);
}

result<change_result> keyspace::remove(std::string_view key, change_options options) {
  const auto core = current();
  if (const auto usable = check(core); !usable) return usable.error();
  return run_blocking(core->env(), async_remove(std::string(key), options));
}

asio::awaitable<result<change_result>> keyspace::async_invalidate(
    std::string key, change_options options
) {
  const auto core = current();
  if (const auto usable = check(core); !usable) co_return usable.error();
  change_request request{
      .keyspace = core->options().name(), .key = std::move(key), .condition = options.condition};
  co_return co_await core->change(std::move(request), options.timeout);
}

result<change_result> keyspace::invalidate(std::string_view key, change_options options) {
  const auto core = current();
  if (const auto usable = check(core); !usable) return usable.error();
  return run_blocking(core->env(), async_invalidate(std::string(key), options));
}

asio::awaitable<result<change_result>> keyspace::async_clear(change_options options) {
  const auto core = current();
  if (const auto usable = check(core); !usable) co_return usable.error();
  change_request request{.keyspace = core->options().name(), .kind = change_kind::clear};
  co_return co_await core->change(std::move(request), options.timeout);
}

result<change_result> keyspace::clear(change_options options) {
  const auto core = current();
  if (const auto usable = check(core); !usable) return usable.error();
  return run_blocking(core->env(), async_clear(options));
}

keyspace_options keyspace::options() const {
  if (!core_) throw std::logic_error("weir: options() of a keyspace handle that refers to nothing");
  return current()->options().all();
}

std::size_t keyspace::max_key() const noexcept {
  if (!core_) return 0;
  return core_->open() ? core_->options().max_key() : current()->options().max_key();
}

source_state keyspace::source() const {
  return core_ ? current()->source() : source_state{};
}

std::optional<feed_status> keyspace::feed() const {
  return core_ ? current()->feed() : std::nullopt;
}

std::vector<kept_key> keyspace::keys(std::size_t limit) const {
  return core_ ? current()->held().keys(limit) : std::vector<kept_key>{};
}

keyspace_stats keyspace::stats() const {
  return core_ ? current()->stats() : keyspace_stats{};
}

}  // namespace weir
