#include "sqlite/sqlite_reader.hpp"

#include "sqlite/sqlite_revision.hpp"

#include <sqlite3.h>

namespace weir {

sqlite_query::sqlite_query(const sqlite_connection& on, const settings& with)
    : on_(on), statement_(on.prepare(with.text, "query")) {
  sqlite3_stmt* const statement = statement_.get();
  if (!sqlite3_stmt_readonly(statement))
    on.refuse("query", "the query must only read: SELECT ... WHERE ... = ?1");
  const int columns = sqlite3_column_count(statement);
  if (columns == 0 || sqlite3_stmt_isexplain(statement)) {
    on.refuse("query", "the query must be a SELECT with a column for the value");
  }
  if (sqlite3_bind_parameter_count(statement) != 1) {
    on.refuse(
        "query",
        "the query must have one parameter, ?1, which stands for the key; it has " +
            std::to_string(sqlite3_bind_parameter_count(statement))
    );
  }
  if (with.revision > columns) {
    on.refuse(
        "revision",
        "the revision is column " + std::to_string(with.revision) + ", but the query has " +
            std::to_string(columns)
    );
  }
  revision_ = with.revision;
  if (revision_ == 0 && with.finds_revision && columns > 1) revision_ = 2;
}

int sqlite_query::find(std::string_view key, row& out) {
  sqlite3_stmt* const statement = statement_.get();
  int code = sqlite3_bind_text64(statement, 1, key.data(), key.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  out = {};
  if (code == SQLITE_DONE) return SQLITE_OK;
  if (code != SQLITE_ROW) return code;
  out.is_found = sqlite3_column_type(statement, 0) != SQLITE_NULL;
  if (revision_ > 0) out.etag = revision_of(statement, revision_ - 1);
  return SQLITE_OK;
}

result<bytes> sqlite_query::value() const {
  sqlite3_stmt* const statement = statement_.get();
  const bool is_blob = sqlite3_column_type(statement, 0) == SQLITE_BLOB;
  const void* const data =
      is_blob ? sqlite3_column_blob(statement, 0) : sqlite3_column_text(statement, 0);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, 0));
  if (size > on_.max_entry()) return errc::too_large;
  if (data == nullptr && size > 0) return errc::source_failed;
  return size == 0 ? bytes() : bytes(static_cast<const char*>(data), size);
}

void sqlite_query::rewind() noexcept {
  sqlite3_reset(statement_.get());
  sqlite3_clear_bindings(statement_.get());
}

sqlite_reader::sqlite_reader(
    const sqlite_connection::settings& with,
    const sqlite_query::settings& query,
    const load_context* context
)
    : connection_(with, sqlite_connection::access::read_only, context),
      query_(connection_, query) {}

std::optional<result<loaded>> sqlite_reader::read(
    std::string_view key, const load_context& context
) {
  const sqlite_connection::patience until(connection_, context);

  struct rewind_at_end {
    sqlite_query& of;

    ~rewind_at_end() { of.rewind(); }
  } const at_the_end{query_};

  auto answer = row_of(key, context);
  // The row still holds the lock: other writers of SQLite wait, only who writes over the file does
  // not. With a log the file may change all the same, by a checkpoint, which changes no row.
  if (connection_.is_unchanged() || connection_.has_log()) return answer;
  return std::nullopt;
}

result<loaded> sqlite_reader::row_of(std::string_view key, const load_context& context) {
  sqlite_query::row row;
  if (const int code = query_.find(key, row); code != SQLITE_OK) return failure(code, context);
  if (!row.is_found) return errc::not_found;
  auto value = query_.value();
  if (!value) return value.error();
  loaded out{.value = std::move(*value)};
  if (!row.etag.empty()) {
    out.meta = std::make_shared<const metadata>(metadata{.etag = std::move(row.etag)});
  }
  return out;
}

errc sqlite_reader::failure(int code, const load_context& context) {
  switch (code & 0xff) {
    case SQLITE_INTERRUPT:
      return errc::deadline_exceeded;
    case SQLITE_TOOBIG:
      return errc::too_large;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      context.say(connection_.locked_text());
      return errc::overloaded;
    case SQLITE_ERROR:
    case SQLITE_NOMEM:
      break;
    default:
      connection_.mark_broken();
  }
  context.say(sqlite3_errmsg(connection_.get()));
  return errc::source_failed;
}

}  // namespace weir
