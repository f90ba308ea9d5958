#pragma once

#include <string>
#include <string_view>

struct sqlite3_stmt;

namespace weir {

/// The etag of the revision in a column: an integer as its digits, a text with "t" before it. Empty
/// for NULL and for what cannot be compared with certainty: floating point numbers and blobs.
std::string revision_of(sqlite3_stmt* statement, int column);

/// Binds the revision that `etag` stands for, as the same type; NULL for an empty one. An SQLite
/// code.
int bind_revision(sqlite3_stmt* statement, int parameter, std::string_view etag);

}  // namespace weir
