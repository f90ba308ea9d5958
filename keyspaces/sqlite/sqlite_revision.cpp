#include "sqlite/sqlite_revision.hpp"

#include <charconv>
#include <cstdint>
#include <sqlite3.h>

namespace weir {
namespace {

constexpr char text_mark = 't';

}  // namespace

std::string revision_of(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return std::to_string(sqlite3_column_int64(statement, column));
    case SQLITE_TEXT: {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement, column));
      if (text == nullptr) return {};
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, column));
      return text_mark + std::string(text, size);
    }
    default:
      return {};
  }
}

int bind_revision(sqlite3_stmt* statement, int parameter, std::string_view etag) {
  if (etag.empty()) return sqlite3_bind_null(statement, parameter);
  if (etag.front() == text_mark) {
    etag.remove_prefix(1);
    return sqlite3_bind_text64(
        statement, parameter, etag.data(), etag.size(), SQLITE_TRANSIENT, SQLITE_UTF8
    );
  }
  std::int64_t number = 0;
  std::from_chars(etag.data(), etag.data() + etag.size(), number);
  return sqlite3_bind_int64(statement, parameter, number);
}

}  // namespace weir
