#pragma once

#include "sqlite/sqlite_connection.hpp"
#include "sqlite/sqlite_reader.hpp"

#include <weir/engine/store.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// The prepared statements that write, null where there are none.
struct sqlite_writes {
  struct settings {
    std::string put, erase;  ///< empty = not allowed
  };

  /// Throws sqlite_refusal when they cannot be prepared or their parameters are not the right ones.
  /// Runs nothing, so that `on` may be read-only.
  sqlite_writes(const sqlite_connection& on, const sqlite_query& query, const settings& with);

  sqlite_connection::statement put, erase;
};

/// The connection on which a store writes. Used by one thread at a time.
///
/// Each write is one transaction that begins as a writer: read the revision, judge the condition,
/// run the statement, read the new revision, commit. So two writers never both see the same
/// revision and succeed, whatever the statement itself compares.
class sqlite_writer {
 public:
  struct settings {
    sqlite_connection::settings connection;
    sqlite_query::settings query;
    sqlite_writes::settings writes;
  };

  /// Throws sqlite_refusal.
  sqlite_writer(const settings& with, const load_context* context);

  /// nullopt when the file was replaced meanwhile: nothing was written, another connection has to
  /// try it.
  std::optional<result<stored>> put(
      std::string_view key,
      const bytes& value,
      const write_condition& condition,
      const load_context& context
  );
  std::optional<result<stored>> erase(
      std::string_view key, const write_condition& condition, const load_context& context
  );

  bool is_current() const noexcept { return connection_.is_current(); }

 private:
  using statement = sqlite_connection::statement;

  bool may(const statement& write, const write_condition& condition) const noexcept;
  template <class Write>
  std::optional<result<stored>> in_transaction(const load_context& context, Write write);
  result<sqlite_query::row> find(std::string_view key, const load_context& context);
  result<int> run(const statement& prepared, const load_context& context);
  errc failure(int code, const load_context& context);
  result<void> commit(const load_context& context);

  sqlite_connection connection_;
  sqlite_query query_;
  statement begin_, commit_, rollback_;
  sqlite_writes writes_;
};

}  // namespace weir
