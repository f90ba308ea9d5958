#pragma once

#include "redis/redis_database.hpp"

#include <weir/engine/store.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace weir {

/// Writes keys of a Redis, each in one step of it: SET or DEL, with NX where the key must be absent,
/// and a script where its value must have an entity tag.
class redis_writer {
 public:
  explicit redis_writer(std::shared_ptr<const redis_database> of) : of_(std::move(of)) {}

  asio::awaitable<result<stored>> async_put(
      std::string key, bytes value, write_condition condition, load_context context
  ) const;
  asio::awaitable<result<stored>> async_erase(
      std::string key, write_condition condition, load_context context
  ) const;

 private:
  using values = std::span<const std::string_view>;  // the key first

  asio::awaitable<result<resp_value>> ask(resp_commands commands, const load_context& by) const;
  asio::awaitable<result<resp_value>> run(
      std::string_view script, values of, const load_context& by
  ) const;

  const std::shared_ptr<const redis_database> of_;
};

}  // namespace weir
