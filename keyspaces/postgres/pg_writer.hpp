#pragma once

#include "postgres/pg_database.hpp"

#include <weir/engine/store.hpp>

#include <memory>
#include <string>

namespace weir {

/// One change of a row.
struct pg_change {
  pg_act act = pg_act::put;
  std::string key = {};
  bytes value = {};
  std::string revision = {};  ///< that the row must have
};

/// Writes rows of a database, each by one statement that judges the condition too.
///
/// A statement that may have reached the server is not sent again. As the server ends one whose
/// client is gone all the same, what then becomes of it is errc::unknown_outcome.
class pg_writer {
 public:
  explicit pg_writer(std::shared_ptr<const pg_database> of) : of_(std::move(of)) {}

  asio::awaitable<result<stored>> async_write(pg_change change, load_context context) const;

 private:
  struct attempt;

  asio::awaitable<attempt> write(
      pg_pool::place& at, const pg_change& change, const load_context& context, pg_patience patience
  ) const;
  asio::awaitable<attempt> write_once(
      pg_connection& on, const pg_change& change, const load_context& context, pg_patience patience
  ) const;

  const std::shared_ptr<const pg_database> of_;
};

}  // namespace weir
