#include "keyspace/keyspace_core.hpp"
#include "values/to_entry.hpp"

#include <weir/engine/session.hpp>

#include <algorithm>
#include <functional>

namespace weir {
namespace {

std::uint64_t hash_of(std::string_view key) noexcept {
  return std::hash<std::string_view>{}(key);
}

std::uint64_t bit_of(std::uint64_t hash) noexcept {
  return std::uint64_t{1} << (hash % 64);
}

}  // namespace

const version* session_order::find(std::uint64_t hash) const noexcept {
  if (const auto at = recent_.find(hash); at != recent_.end()) return &at->second;
  if (const auto at = earlier_.find(hash); at != earlier_.end()) return &at->second;
  return nullptr;
}

session_order::verdict session_order::judge(std::string_view key, version read) const noexcept {
  if (!read) return verdict::good;
  const auto hash = hash_of(key);
  const auto* seen = find(hash);
  if (seen == nullptr) {
    const bool is_doubted = (doubted_[hash % doubt_bits / 64] & bit_of(hash)) != 0;
    return is_doubted ? verdict::unsure : verdict::good;
  }
  if (seen->epoch != read.epoch) return verdict::unsure;
  return read.seq < seen->seq ? verdict::older : verdict::good;
}

void session_order::note(std::string_view key, version seen) {
  if (!seen) return;
  const auto hash = hash_of(key);
  if (const auto* before = find(hash); before != nullptr && before->epoch == seen.epoch) {
    seen.seq = std::max(seen.seq, before->seq);
  }
  if (recent_.size() >= max_keys / 2 && !recent_.contains(hash)) {
    for (const auto& [old, ignored] : earlier_) {
      if (!recent_.contains(old)) word_of(old) |= bit_of(old);
    }
    earlier_.swap(recent_);
    recent_.clear();
  }
  recent_[hash] = seen;
}

void session_order::doubt(std::string_view key) noexcept {
  const auto hash = hash_of(key);
  recent_.erase(hash);
  earlier_.erase(hash);
  word_of(hash) |= bit_of(hash);
}

void session_order::doubt_all() noexcept {
  recent_.clear();
  earlier_.clear();
  doubted_.fill(~std::uint64_t{0});
}

session::session(weir::keyspace of, environment& env)
    : keyspace_(std::move(of)), env_(&env), memory_(std::make_shared<memory>()) {}

bool session::must_ask_owner(
    std::string_view key, const result<lookup>& found, const get_options& options
) const {
  if (!memory_ || !found || options.from != read_from::near) return false;
  const std::lock_guard lock(memory_->mutex);
  return memory_->order.judge(key, found->entry.version) != session_order::verdict::good;
}

time_point session::began() const {
  return memory_ ? env_->now() : time_point();
}

get_options session::asking_owner(get_options options, time_point since) const {
  const auto used = std::chrono::ceil<milliseconds>(env_->now() - since);
  options.from = read_from::owner;
  options.attempt = read_attempt::again;
  options.timeout = std::max(options.timeout - used, milliseconds(0));
  return options;
}

void session::saw(std::string_view key, const result<lookup>& found) const {
  if (!memory_ || !found) return;
  const std::lock_guard lock(memory_->mutex);
  memory_->order.note(key, found->entry.version);
}

void session::changed(std::string_view key, const result<change_result>& done) const {
  if (!memory_) return;
  const std::lock_guard lock(memory_->mutex);
  if (done && done->version) {
    memory_->order.note(key, done->version);
  } else if (done || done.error() == errc::unknown_outcome) {
    memory_->order.doubt(key);
  }
}

asio::awaitable<result<lookup>> session::async_find(std::string key, get_options options) {
  const auto self = *this;
  const auto began = self.began();
  auto found = co_await keyspace_.async_find(key, options);
  if (self.must_ask_owner(key, found, options)) {
    options = self.asking_owner(options, began);
    auto of = self.keyspace_;
    found = co_await of.async_find(key, options);
  }
  self.saw(key, found);
  co_return found;
}

result<lookup> session::find(std::string_view key, get_options options) {
  const auto since = began();
  auto found = keyspace_.find(key, options);
  if (must_ask_owner(key, found, options)) {
    found = keyspace_.find(key, asking_owner(options, since));
  }
  saw(key, found);
  return found;
}

asio::awaitable<result<entry>> session::async_get(std::string key, get_options options) {
  auto found = co_await async_find(std::move(key), options);
  co_return to_entry(std::move(found));
}

result<entry> session::get(std::string_view key, get_options options) {
  return to_entry(find(key, options));
}

asio::awaitable<result<change_result>> session::async_put(
    std::string key, bytes value, put_options options
) {
  const auto self = *this;
  auto done = co_await keyspace_.async_put(key, std::move(value), options);
  self.changed(key, done);
  co_return done;
}

result<change_result> session::put(std::string_view key, bytes value, put_options options) {
  auto done = keyspace_.put(key, std::move(value), options);
  changed(key, done);
  return done;
}

asio::awaitable<result<change_result>> session::async_remove(
    std::string key, change_options options
) {
  const auto self = *this;
  auto done = co_await keyspace_.async_remove(key, options);
  self.changed(key, done);
  co_return done;
}

result<change_result> session::remove(std::string_view key, change_options options) {
  auto done = keyspace_.remove(key, options);
  changed(key, done);
  return done;
}

asio::awaitable<result<change_result>> session::async_invalidate(
    std::string key, change_options options
) {
  const auto self = *this;
  auto done = co_await keyspace_.async_invalidate(key, options);
  self.changed(key, done);
  co_return done;
}

result<change_result> session::invalidate(std::string_view key, change_options options) {
  auto done = keyspace_.invalidate(key, options);
  changed(key, done);
  return done;
}

asio::awaitable<result<change_result>> session::async_clear(change_options options) {
  const auto held = memory_;
  auto done = co_await keyspace_.async_clear(options);
  if (held && done) {
    const std::lock_guard lock(held->mutex);
    held->order.doubt_all();
  }
  co_return done;
}

result<change_result> session::clear(change_options options) {
  auto done = keyspace_.clear(options);
  if (memory_ && done) {
    const std::lock_guard lock(memory_->mutex);
    memory_->order.doubt_all();
  }
  return done;
}

asio::awaitable<result<updated>> session::async_update(
    std::string key, update_function compute, update_options options
) {
  const auto self = *this;
  auto done = co_await keyspace_.async_update(key, std::move(compute), options);
  if (done) self.changed(key, done->change.version ? done->change : change_result{done->version});
  co_return done;
}

result<updated> session::update(
    std::string_view key, update_function compute, update_options options
) {
  auto done = keyspace_.update(key, std::move(compute), options);
  if (done) changed(key, done->change.version ? done->change : change_result{done->version});
  return done;
}

weir::session keyspace::session() const {
  return core_ ? weir::session(*this, core_->env()) : weir::session();
}

}  // namespace weir
