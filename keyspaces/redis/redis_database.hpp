#pragma once

#include "redis/redis_own_writes.hpp"
#include "redis/redis_pool.hpp"

#include <weir/engine/data_source.hpp>

#include <chrono>
#include <string>
#include <string_view>

namespace weir {

/// The keys of one source in a Redis. Thread-safe.
class redis_database {
 public:
  explicit redis_database(const redis_source_options& options);

  std::string name_of(const std::string& key) const { return prefix_ + key; }

  std::size_t max_entry() const noexcept { return max_entry_; }

  /// In milliseconds, as SET takes it; empty = without end.
  const std::string& expire() const noexcept { return expire_; }

  /// Of those whose changes Redis tells; null where it tells none.
  const std::shared_ptr<redis_own_writes>& own_writes() const noexcept { return own_writes_; }

  /// "redis at cache:6379: ..." as the remark of the call.
  void say(const load_context& context, const std::string& what) const;

  /// Until the deadline of the context.
  asio::awaitable<resp_outcome> async_call(
      resp_commands commands, const load_context& context, redis_repeat how
  ) const;

 private:
  const std::string prefix_, expire_;
  const std::size_t max_entry_;
  const std::unique_ptr<redis_pool> pool_;
  const std::shared_ptr<redis_own_writes> own_writes_;
};

/// SHA-1 in hexadecimal digits, as redis.sha1hex() of Redis gives it: the entity tag of a value.
std::string redis_etag(std::string_view value);

}  // namespace weir
