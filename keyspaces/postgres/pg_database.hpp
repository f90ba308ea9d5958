#pragma once

#include "postgres/pg_pool.hpp"
#include "postgres/pg_statements.hpp"

#include <weir/engine/data_source.hpp>

#include <chrono>
#include <memory>
#include <string>

namespace weir {

/// How long a call may take: until when weir waits, and after what the server itself shall give up,
/// a little before, so that the answer says why.
struct pg_patience {
  explicit pg_patience(const load_context& context);

  pg_connection::time_point until;

  std::chrono::milliseconds limit() const;
};

/// The database of one source: its connections and statements. Thread-safe.
class pg_database {
 public:
  explicit pg_database(const postgres_source_options& options);

  const pg_statement& statement(pg_act act) const { return statement_of(statements_, act); }

  std::size_t max_entry() const noexcept { return max_entry_; }

  /// "postgres at db:5432: ..." as the remark of the call.
  void say(const load_context& context, const std::string& what) const;

  void say(const load_context& context, const pg_fault& fault) const { say(context, fault.text); }

  asio::awaitable<result<std::unique_ptr<pg_pool::place>>> async_take(
      const load_context& context, const pg_patience& patience
  ) const;

  /// Prepares what is not prepared there yet, and learns its types; sends nothing else.
  asio::awaitable<std::optional<pg_fault>> async_prepare(
      pg_connection& on, pg_act act, pg_patience patience
  ) const;

 private:
  asio::awaitable<std::optional<pg_fault>> describe(
      pg_connection& on, const pg_statement& what, pg_patience patience, pg_prepared& into
  ) const;
  std::optional<pg_fault> check(pg_act act, const pg_prepared& made) const;

  const pg_statements statements_;
  const std::size_t max_entry_;
  const std::size_t connections_;
  const std::shared_ptr<pg_pool> pool_;
};

}  // namespace weir
