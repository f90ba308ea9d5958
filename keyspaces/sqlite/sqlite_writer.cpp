#include "sqlite/sqlite_writer.hpp"

#include "sqlite/sqlite_revision.hpp"

#include <sqlite3.h>

namespace weir {
namespace {

// The length of the UTF-8 character that `text` begins with; 0 when it begins with none, or with
// NUL.
std::size_t character(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = at(0);
  if (first == 0) return 0;
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  for (std::size_t i = 1; i != size; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  const bool is_overlong = (first == 0xe0 && at(1) < 0xa0) || (first == 0xf0 && at(1) < 0x90);
  const bool is_surrogate = first == 0xed && at(1) > 0x9f;
  const bool is_beyond = first == 0xf4 && at(1) > 0x8f;
  return is_overlong || is_surrogate || is_beyond ? 0 : size;
}

bool is_text(std::string_view value) noexcept {
  while (!value.empty()) {
    const auto size = character(value);
    if (size == 0) return false;
    value.remove_prefix(size);
  }
  return true;
}

// SQLite's functions on text want text; a value that is none is bound as the bytes it is.
int bind_value(sqlite3_stmt* statement, int parameter, std::string_view value) {
  const char* const data = value.empty() ? "" : value.data();
  if (is_text(value)) {
    return sqlite3_bind_text64(
        statement, parameter, data, value.size(), SQLITE_STATIC, SQLITE_UTF8
    );
  }
  return sqlite3_bind_blob64(statement, parameter, data, value.size(), SQLITE_STATIC);
}

bool has_parameter(sqlite3_stmt* statement, const char* name) {
  return sqlite3_bind_parameter_index(statement, name) != 0;
}

void check_writes(
    const sqlite_connection& on,
    const sqlite_connection::statement& prepared,
    bool has_value,
    bool has_revision,
    const std::string& what
) {
  sqlite3_stmt* const statement = prepared.get();
  if (sqlite3_stmt_readonly(statement))
    on.refuse(what, what + " must change the table, it only reads");
  const std::string allowed =
      has_value ? "?1 (the key), ?2 (the value) and, if it wants, ?3 (the revision)"
                : "?1 (the key) and, if it wants, ?3 (the revision)";
  int named = 0;
  for (const char* name : {"?1", "?2", "?3"}) named += has_parameter(statement, name) ? 1 : 0;
  int used = 0;
  for (int i = 1; i <= sqlite3_bind_parameter_count(statement); ++i) {
    // A gap, as ?2 in "?1 ... ?3", has no name and counts nowhere.
    used += sqlite3_bind_parameter_name(statement, i) != nullptr ? 1 : 0;
  }
  const bool is_right = has_parameter(statement, "?1") &&
                        has_parameter(statement, "?2") == has_value && named == used &&
                        sqlite3_bind_parameter_count(statement) <= 3;
  if (!has_revision && has_parameter(statement, "?3")) {
    on.refuse(
        what, "?3 of " + what + " is the revision of the row, but the query has no column for it"
    );
  }
  if (!is_right) on.refuse(what, "the parameters of " + what + " must be " + allowed);
}

bool holds(const sqlite_query::row& row, const write_condition& condition) {
  switch (condition.when) {
    case write_condition::kind::none:
      return true;
    case write_condition::kind::absent:
      return !row.is_found;
    case write_condition::kind::matches:
      break;
  }
  return row.is_found && !row.etag.empty() && row.etag == condition.etag;
}

}  // namespace

sqlite_writes::sqlite_writes(
    const sqlite_connection& on, const sqlite_query& query, const settings& with
) {
  if (!with.put.empty()) {
    put = on.prepare(with.put, "put");
    check_writes(on, put, true, query.has_revision(), "put");
  }
  if (!with.erase.empty()) {
    erase = on.prepare(with.erase, "delete");
    check_writes(on, erase, false, query.has_revision(), "delete");
  }
}

sqlite_writer::sqlite_writer(const settings& with, const load_context* context)
    : connection_(with.connection, sqlite_connection::access::read_write, context),
      query_(connection_, with.query),
      begin_(connection_.prepare("BEGIN IMMEDIATE", "put")),
      commit_(connection_.prepare("COMMIT", "put")),
      rollback_(connection_.prepare("ROLLBACK", "put")),
      writes_(connection_, query_, with.writes) {
  // Before COMMIT no changed page may reach the file: only then can all be undone without a trace
  // in a file that has become another one.
  sqlite3_exec(connection_.get(), "PRAGMA cache_spill = OFF", nullptr, nullptr, nullptr);
}

std::optional<result<stored>> sqlite_writer::put(
    std::string_view key,
    const bytes& value,
    const write_condition& condition,
    const load_context& context
) {
  if (!may(writes_.put, condition)) return errc::method_not_allowed;
  return in_transaction(context, [&]() -> result<stored> {
    const auto before = find(key, context);
    if (!before) return before.error();
    if (!holds(*before, condition)) return errc::conflict;
    const fresh_again at_the_end(writes_.put);
    sqlite3_bind_text64(writes_.put.get(), 1, key.data(), key.size(), SQLITE_STATIC, SQLITE_UTF8);
    bind_value(writes_.put.get(), 2, value.view());
    if (has_parameter(writes_.put.get(), "?3")) bind_revision(writes_.put.get(), 3, before->etag);
    const auto changed = run(writes_.put, context);
    if (!changed) return changed.error();
    if (*changed == 0) return errc::conflict;
    const auto after = find(key, context);
    if (!after) return after.error();
    if (!after->is_found) {
      context.say("the query does not find what put has written");
      return errc::source_failed;
    }
    const bool is_same = !after->etag.empty() && after->etag == before->etag;
    if (is_same && before->is_found) {
      context.say("put must give the row another revision, it left " + after->etag);
      return errc::source_failed;
    }
    return stored{after->etag};
  });
}

std::optional<result<stored>> sqlite_writer::erase(
    std::string_view key, const write_condition& condition, const load_context& context
) {
  if (!may(writes_.erase, condition)) return errc::method_not_allowed;
  return in_transaction(context, [&]() -> result<stored> {
    const auto before = find(key, context);
    if (!before) return before.error();
    if (!holds(*before, condition)) return errc::conflict;
    const fresh_again at_the_end(writes_.erase);
    sqlite3_bind_text64(writes_.erase.get(), 1, key.data(), key.size(), SQLITE_STATIC, SQLITE_UTF8);
    if (has_parameter(writes_.erase.get(), "?3"))
      bind_revision(writes_.erase.get(), 3, before->etag);
    const auto changed = run(writes_.erase, context);
    if (!changed) return changed.error();
    if (*changed == 0 && before->is_found) return errc::conflict;
    return stored();
  });
}

// A condition on a revision that the query does not tell holds never.
bool sqlite_writer::may(const statement& write, const write_condition& condition) const noexcept {
  const bool is_conditional = condition.when != write_condition::kind::none;
  return write != nullptr && (query_.has_revision() || !is_conditional);
}

// SQLite keeps the pages in memory when the header looks the same, and would write those of the
// former file among those of the new one:
//   1. this connection has read the file; somebody writes another one over it, with an equal header
//   2. BEGIN takes the lock and takes the pages for current
//   3. the statement changes one of them, COMMIT writes it
// So the stamp is compared under the lock, which makes other writers of SQLite wait, and once more
// when all is done but COMMIT. Who writes over the file in the moment of COMMIT takes no lock, and
// no reader or writer of it can be saved from that.
template <class Write>
std::optional<result<stored>> sqlite_writer::in_transaction(
    const load_context& context, Write write
) {
  const sqlite_connection::patience until(connection_, context);
  if (const auto begun = run(begin_, context); !begun) return begun.error();
  std::optional<result<stored>> done;
  if (connection_.is_unchanged()) done = write();
  if (!connection_.is_unchanged()) done.reset();
  if (done && *done) {
    if (const auto committed = commit(context); !committed) done = committed.error();
  }
  if (!sqlite3_get_autocommit(connection_.get())) {
    const fresh_again at_the_end(rollback_);
    if (sqlite3_step(rollback_.get()) != SQLITE_DONE) connection_.mark_broken();
  }
  return done;
}

result<void> sqlite_writer::commit(const load_context& context) {
  sqlite3_progress_handler(connection_.get(), 0, nullptr, nullptr);  // no way back from here
  const fresh_again at_the_end(commit_);
  const int code = sqlite3_step(commit_.get());
  if (code == SQLITE_DONE) {
    if (connection_.is_same_file()) return {};
    context.say("the database file was replaced by another one while it was written");
    return errc::unknown_outcome;
  }
  const int primary = code & 0xff;
  if (primary == SQLITE_BUSY || primary == SQLITE_FULL || primary == SQLITE_CONSTRAINT)
    return failure(code, context);
  context.say(sqlite3_errmsg(connection_.get()));
  connection_.mark_broken();
  return errc::unknown_outcome;
}

result<sqlite_query::row> sqlite_writer::find(std::string_view key, const load_context& context) {
  sqlite_query::row found;
  const int code = query_.find(key, found);
  result<sqlite_query::row> answer = found;
  if (code != SQLITE_OK) answer = failure(code, context);
  query_.rewind();
  return answer;
}

// Rows that a RETURNING clause gives are passed over.
result<int> sqlite_writer::run(const statement& prepared, const load_context& context) {
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step(prepared.get());
  const bool is_done = code == SQLITE_DONE;
  result<int> answer = sqlite3_changes(connection_.get());
  if (!is_done) answer = failure(code, context);
  sqlite3_reset(prepared.get());
  return answer;
}

// All before the commit: nothing was written. What a constraint refuses is no conflict of versions,
// not even a key that is there already: the transaction saw the row before, and nobody came between.
errc sqlite_writer::failure(int code, const load_context& context) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      context.say(connection_.locked_text());
      return errc::overloaded;
    case SQLITE_INTERRUPT:
      context.say("put or delete took longer than the caller waits");
      return errc::overloaded;
    default:
      break;
  }
  context.say(sqlite3_errmsg(connection_.get()));
  switch (code & 0xff) {
    case SQLITE_TOOBIG:
      return errc::too_large;
    case SQLITE_CONSTRAINT:
      return errc::bad_request;
    case SQLITE_ERROR:
    case SQLITE_NOMEM:
    case SQLITE_FULL:
    case SQLITE_READONLY:
      return errc::source_failed;
    default:
      connection_.mark_broken();
      return errc::source_failed;
  }
}

}  // namespace weir
