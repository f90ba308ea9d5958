#include <weir/engine/memory_store.hpp>

namespace weir {
namespace {

constexpr std::size_t overhead = 64;

std::size_t size_of(std::string_view key, const bytes& value) noexcept {
  return overhead + key.size() + value.size();
}

}  // namespace

bool memory_store::holds(held_map::const_iterator at, const write_condition& condition) const {
  switch (condition.when) {
    case write_condition::kind::none:
      return true;
    case write_condition::kind::absent:
      return at == values_.end();
    case write_condition::kind::matches:
      break;
  }
  return at != values_.end() && std::to_string(at->second.tag) == condition.etag;
}

result<loaded> memory_store::load(std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const auto at = values_.find(key);
  if (at == values_.end()) return loaded{.found = false};
  auto meta = std::make_shared<const metadata>(metadata{.etag = std::to_string(at->second.tag)});
  return loaded{.value = at->second.value, .meta = std::move(meta)};
}

result<stored> memory_store::put(
    std::string_view key, bytes value, const write_condition& condition
) {
  const std::lock_guard lock(mutex_);
  const auto at = values_.find(key);
  if (!holds(at, condition)) return errc::conflict;
  const auto before = at == values_.end() ? 0 : size_of(key, at->second.value);
  const auto after = used_ - before + size_of(key, value);
  if (after > options_.max_bytes) return errc::too_large;
  auto& place = at == values_.end() ? values_[std::string(key)] : at->second;
  place = {std::move(value), next_tag_++};
  used_ = after;
  return stored{std::to_string(place.tag)};
}

result<stored> memory_store::erase(std::string_view key, const write_condition& condition) {
  const std::lock_guard lock(mutex_);
  const auto at = values_.find(key);
  if (!holds(at, condition)) return errc::conflict;
  if (at == values_.end()) return stored();
  used_ -= size_of(key, at->second.value);
  values_.erase(at);
  return stored();
}

std::size_t memory_store::size() const {
  const std::lock_guard lock(mutex_);
  return values_.size();
}

asio::awaitable<result<loaded>> memory_store::async_load(std::string key, load_context) {
  co_return load(key);
}

asio::awaitable<result<stored>> memory_store::async_put(
    std::string key, bytes value, write_condition condition, load_context
) {
  co_return put(key, std::move(value), condition);
}

asio::awaitable<result<stored>> memory_store::async_erase(
    std::string key, write_condition condition, load_context
) {
  co_return erase(key, condition);
}

}  // namespace weir
