#pragma once

#include "redis/redis_database.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace weir {

/// Loads keys of a Redis, all of them in one round, with the time that each has left.
///
/// A key whose value is over the limit or no string fails alone.
class redis_loader {
 public:
  explicit redis_loader(std::shared_ptr<const redis_database> of) : of_(std::move(of)) {}

  /// One answer per key, in their order.
  asio::awaitable<std::vector<result<loaded>>> async_load(
      std::vector<std::string> keys, load_context context
  ) const;

 private:
  using answers = std::vector<result<loaded>>;

  result<loaded> value_of(resp_value& value, const resp_value& left, const load_context& by) const;
  errc refusal(const resp_value& of, const load_context& by) const;
  asio::awaitable<void> ask_alone(
      const std::vector<std::string>& keys,
      std::vector<std::size_t> which,
      answers& into,
      const load_context& by
  ) const;

  const std::shared_ptr<const redis_database> of_;
};

}  // namespace weir
