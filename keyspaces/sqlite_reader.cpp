#include "sqlite_reader.hpp"

#include <algorithm>
#include <cerrno>
#include <sqlite3.h>
#include <stdexcept>
#include <sys/stat.h>
#include <system_error>

namespace weir {
namespace {

constexpr int steps_between_looks_at_the_clock = 2000;
constexpr std::size_t least_limit = 1'000'000;  // for the key, the query and rows on their way

std::string position(std::string_view text, int offset) {
  const auto before =
      text.substr(0, std::min<std::size_t>(text.size(), static_cast<std::size_t>(offset)));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto column = before.size() - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
  return " at line " + std::to_string(line) + ", column " + std::to_string(column) +
         " of the query";
}

int is_past_deadline(void* of) {
  const auto& context = *static_cast<const load_context*>(of);
  return context.env.now() >= context.deadline ? 1 : 0;
}

/// Resets the statement whatever happens, so that no read transaction stays open.
struct fresh_again {
  sqlite3* database;
  sqlite3_stmt* statement;

  ~fresh_again() {
    sqlite3_progress_handler(database, 0, nullptr, nullptr);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
  }
};

}  // namespace

void sqlite_reader::close_database::operator()(sqlite3* database) const noexcept {
  sqlite3_close_v2(database);
}

void sqlite_reader::drop_statement::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

sqlite_reader::sqlite_reader(const settings& with) : with_(with) {
  open();
  prepare();
}

sqlite_reader::~sqlite_reader() = default;

void sqlite_reader::refuse(const std::string& why) const {
  throw std::runtime_error("sqlite source \"" + with_.path.string() + "\": " + why);
}

void sqlite_reader::open() {
  struct stat found;
  if (::stat(with_.path.c_str(), &found) != 0) {
    refuse("cannot open the database file: " + std::generic_category().message(errno));
  }
  if (!S_ISREG(found.st_mode)) refuse("not a regular file");
  device_ = found.st_dev;
  file_ = found.st_ino;

  sqlite3* opened = nullptr;
  // An absolute path keeps names like "file:..." and ":memory:" from being anything but names.
  const auto path = std::filesystem::absolute(with_.path).string();
  const int code =
      sqlite3_open_v2(path.c_str(), &opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
  database_.reset(opened);
  if (code != SQLITE_OK) {
    refuse(
        std::string("cannot open the database: ") +
        (opened ? sqlite3_errmsg(opened) : sqlite3_errstr(code))
    );
  }
  sqlite3_extended_result_codes(opened, 1);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  const auto limit = std::min<std::size_t>(std::max(with_.max_entry, least_limit), 1'000'000'000);
  sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, static_cast<int>(limit));
  sqlite3_limit(opened, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_busy_timeout(opened, static_cast<int>(with_.busy_timeout.count()));
}

void sqlite_reader::prepare() {
  sqlite3* const database = database_.get();
  const char* const query = with_.query.data();
  const char* rest = nullptr;
  sqlite3_stmt* made = nullptr;
  const auto prepare_at = [&](const char* text) {
    const auto length =
        static_cast<int>(with_.query.size() - static_cast<std::size_t>(text - query));
    const int code =
        sqlite3_prepare_v3(database, text, length, SQLITE_PREPARE_PERSISTENT, &made, &rest);
    statement_.reset(made);
    if (code == SQLITE_OK) return;
    const int offset = sqlite3_error_offset(database);
    refuse(
        std::string("the query does not work: ") + sqlite3_errmsg(database) +
        (offset < 0 ? "" : position(with_.query, offset + static_cast<int>(text - query)))
    );
  };

  prepare_at(query);
  auto first = std::move(statement_);
  if (!first) refuse("the query is empty");
  const auto second = position(with_.query, static_cast<int>(rest - query));
  prepare_at(rest);
  if (statement_) refuse("the query must be one statement, but another one begins" + second);
  statement_ = std::move(first);

  sqlite3_stmt* const statement = statement_.get();
  if (!sqlite3_stmt_readonly(statement))
    refuse("the query must only read: SELECT ... WHERE ... = ?1");
  if (sqlite3_column_count(statement) == 0 || sqlite3_stmt_isexplain(statement)) {
    refuse("the query must be a SELECT with a column for the value");
  }
  if (sqlite3_bind_parameter_count(statement) != 1) {
    refuse(
        "the query must have one parameter, ?1, which stands for the key; it has " +
        std::to_string(sqlite3_bind_parameter_count(statement))
    );
  }
}

result<loaded> sqlite_reader::read(std::string_view key, const load_context& context) {
  sqlite3* const database = database_.get();
  sqlite3_stmt* const statement = statement_.get();
  const fresh_again at_the_end{database, statement};

  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(context.deadline - context.env.now());
  const auto patience = std::clamp(left, std::chrono::milliseconds(0), with_.busy_timeout);
  sqlite3_busy_timeout(database, static_cast<int>(patience.count()));
  auto* const watched = const_cast<load_context*>(&context);
  sqlite3_progress_handler(database, steps_between_looks_at_the_clock, is_past_deadline, watched);

  int code = sqlite3_bind_text64(statement, 1, key.data(), key.size(), SQLITE_STATIC, SQLITE_UTF8);
  if (code == SQLITE_OK) code = sqlite3_step(statement);
  if (code == SQLITE_DONE) return errc::not_found;
  if (code != SQLITE_ROW) return failure(code, context);
  return first_value();
}

result<loaded> sqlite_reader::first_value() {
  sqlite3_stmt* const statement = statement_.get();
  const int type = sqlite3_column_type(statement, 0);
  if (type == SQLITE_NULL) return errc::not_found;
  const void* const data =
      type == SQLITE_BLOB ? sqlite3_column_blob(statement, 0) : sqlite3_column_text(statement, 0);
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement, 0));
  if (size > with_.max_entry) return errc::too_large;
  if (data == nullptr && size > 0) return errc::source_failed;
  return loaded{.value = size == 0 ? bytes() : bytes(static_cast<const char*>(data), size)};
}

errc sqlite_reader::failure(int code, const load_context& context) {
  switch (code & 0xff) {
    case SQLITE_INTERRUPT:
      return errc::deadline_exceeded;
    case SQLITE_TOOBIG:
      return errc::too_large;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      if (context.env.now() >= context.deadline) return errc::deadline_exceeded;
      break;
    case SQLITE_ERROR:
    case SQLITE_NOMEM:
      break;
    default:
      is_broken_ = true;
  }
  context.say(sqlite3_errmsg(database_.get()));
  return errc::source_failed;
}

bool sqlite_reader::is_current() const noexcept {
  struct stat found;
  return !is_broken_ && ::stat(with_.path.c_str(), &found) == 0 && found.st_dev == device_ &&
         found.st_ino == file_;
}

}  // namespace weir
