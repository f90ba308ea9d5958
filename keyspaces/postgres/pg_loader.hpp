#pragma once

#include "postgres/pg_database.hpp"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace weir {

/// Loads keys of a database, all of them by one statement.
///
/// A key that the column cannot hold is not found, and is not asked for. One that the server
/// refuses does not spoil the others: they are then asked for one by one.
class pg_loader {
 public:
  explicit pg_loader(std::shared_ptr<const pg_database> of) : of_(std::move(of)) {}

  /// One answer per key, in their order.
  asio::awaitable<std::vector<result<loaded>>> async_load(
      std::vector<std::string> keys, load_context context
  ) const;

 private:
  using answers = std::span<result<loaded>>;
  using names = std::span<const std::string>;

  asio::awaitable<std::optional<pg_fault>> fetch(
      pg_pool::place& at, names keys, answers into, pg_patience patience
  ) const;
  asio::awaitable<std::optional<pg_fault>> fetch_once(
      pg_connection& on, names keys, answers into, pg_patience patience
  ) const;
  result<loaded> value_of(const pg_result& rows, int row) const;

  const std::shared_ptr<const pg_database> of_;
};

}  // namespace weir
