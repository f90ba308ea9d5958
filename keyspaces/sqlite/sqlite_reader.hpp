#pragma once

#include "sqlite/sqlite_connection.hpp"

#include <weir/engine/data_source.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace weir {

/// The prepared query of a source on one connection: value and revision of a key.
class sqlite_query {
 public:
  /// `revision` is the number of its column, from 1; 0 = the second one where there are two and
  /// `finds_revision`.
  struct settings {
    std::string text;
    int revision = 0;
    bool finds_revision = false;
  };

  sqlite_query(const sqlite_connection& on, const settings& with);

  /// What the first row holds.
  struct row {
    bool is_found = false;  ///< there is a row, and its value is not NULL
    std::string etag;       ///< empty without revision
  };

  /// Steps to the row of `key`; the SQLite error code, or 0. rewind() after use.
  int find(std::string_view key, row& out);

  /// The value of the row that find() found. errc::too_large over the limit.
  result<bytes> value() const;

  void rewind() noexcept;

  bool has_revision() const noexcept { return revision_ > 0; }

 private:
  const sqlite_connection& on_;
  sqlite_connection::statement statement_;
  int revision_ = 0;  // column from 1; 0 = none
};

/// One read-only connection to an SQLite database with one prepared query. Used by one thread at a
/// time.
class sqlite_reader {
 public:
  /// Opens the file and prepares the query, as the connection does. Throws sqlite_refusal.
  sqlite_reader(
      const sqlite_connection::settings& with,
      const sqlite_query::settings& query,
      const load_context* context
  );

  /// The value of the first row for `key`, with its revision as etag. Gives up at the deadline;
  /// errc::overloaded while another process holds the lock. nullopt when the file was replaced
  /// meanwhile: then another connection has to read it again.
  std::optional<result<loaded>> read(std::string_view key, const load_context& context);

  bool is_current() const noexcept { return connection_.is_current(); }

  bool has_revision() const noexcept { return query_.has_revision(); }

 private:
  result<loaded> row_of(std::string_view key, const load_context& context);
  errc failure(int code, const load_context& context);

  sqlite_connection connection_;
  sqlite_query query_;
};

}  // namespace weir
