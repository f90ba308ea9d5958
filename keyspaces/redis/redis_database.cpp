#include "redis/redis_database.hpp"

#include <algorithm>
#include <openssl/sha.h>

namespace weir {

redis_database::redis_database(const redis_source_options& options)
    : prefix_(options.prefix),
      expire_(options.expire.count() == 0 ? "" : std::to_string(options.expire.count())),
      max_entry_(options.max_entry),
      pool_(std::make_unique<redis_pool>(
          redis_server(options), resp_limits{.max_bulk = options.max_entry}, options.connections
      )),
      own_writes_(options.tracking ? std::make_shared<redis_own_writes>() : nullptr) {}

void redis_database::say(const load_context& context, const std::string& what) const {
  context.say("redis at " + pool_->server().name() + ": " + what);
}

asio::awaitable<resp_outcome> redis_database::async_call(
    resp_commands commands, const load_context& context, redis_repeat how
) const {
  const auto left = std::clamp<steady_duration>(
      context.deadline - context.env.now(), steady_duration::zero(), std::chrono::hours(24)
  );
  const auto until = std::chrono::steady_clock::now() + left;
  return pool_->async_call(std::move(commands), until, how);
}

std::string redis_etag(std::string_view value) {
  constexpr std::string_view digits = "0123456789abcdef";
  unsigned char sum[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(value.data()), value.size(), sum);
  std::string out;
  for (const unsigned char each : sum) {
    out += digits[each >> 4];
    out += digits[each & 15];
  }
  return out;
}

}  // namespace weir
