#include "sqlite_connection.hpp"

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

std::string position(std::string_view text, int offset, std::string_view what) {
  const auto before =
      text.substr(0, std::min<std::size_t>(text.size(), static_cast<std::size_t>(offset)));
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  const auto column = before.size() - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
  return " at line " + std::to_string(line) + ", column " + std::to_string(column) + " of " +
         std::string(what);
}

int is_past_deadline(void* of) {
  const auto& context = *static_cast<const load_context*>(of);
  return context.env.now() >= context.deadline ? 1 : 0;
}

}  // namespace

void sqlite_connection::close_database::operator()(sqlite3* database) const noexcept {
  sqlite3_close_v2(database);
}

void sqlite_connection::drop_statement::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

sqlite_connection::sqlite_connection(settings with, access how) : with_(std::move(with)) {
  struct stat found;
  if (::stat(with_.path.c_str(), &found) != 0) {
    const auto why = std::generic_category().message(errno);
    refuse(
        "cannot open the database file: " + why + "; weir creates none, make it or correct path"
    );
  }
  if (!S_ISREG(found.st_mode)) refuse("not a regular file");
  device_ = found.st_dev;
  file_ = found.st_ino;

  sqlite3* opened = nullptr;
  // An absolute path keeps names like "file:..." and ":memory:" from being anything but names.
  const auto path = std::filesystem::absolute(with_.path).string();
  const int mode = how == access::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  const int code = sqlite3_open_v2(path.c_str(), &opened, mode | SQLITE_OPEN_NOMUTEX, nullptr);
  database_.reset(opened);
  if (code != SQLITE_OK) {
    refuse(
        std::string("cannot open the database: ") +
        (opened ? sqlite3_errmsg(opened) : sqlite3_errstr(code))
    );
  }
  if (how == access::read_write && sqlite3_db_readonly(opened, "main") == 1) {
    refuse("put and delete need a file that may be written; it is read-only");
  }
  sqlite3_extended_result_codes(opened, 1);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  const auto limit = std::min<std::size_t>(std::max(with_.max_entry, least_limit), 1'000'000'000);
  sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, static_cast<int>(limit));
  sqlite3_limit(opened, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_busy_timeout(opened, static_cast<int>(with_.busy_timeout.count()));
}

void sqlite_connection::refuse(const std::string& why) const {
  throw std::runtime_error("sqlite source \"" + with_.path.string() + "\": " + why);
}

sqlite_connection::statement sqlite_connection::prepare(
    const std::string& sql, std::string_view what
) const {
  const char* rest = nullptr;
  const auto prepare_at = [&](const char* text) {
    sqlite3_stmt* made = nullptr;
    const auto length = static_cast<int>(sql.size() - static_cast<std::size_t>(text - sql.data()));
    const int code =
        sqlite3_prepare_v3(get(), text, length, SQLITE_PREPARE_PERSISTENT, &made, &rest);
    if (code != SQLITE_OK) {
      const int offset = sqlite3_error_offset(get());
      const auto before = static_cast<int>(text - sql.data());
      refuse(
          std::string(what) + " does not work: " + sqlite3_errmsg(get()) +
          (offset < 0 ? "" : position(sql, offset + before, what))
      );
    }
    return statement(made);
  };

  auto first = prepare_at(sql.data());
  if (!first) refuse(std::string(what) + " is empty");
  const auto second = position(sql, static_cast<int>(rest - sql.data()), what);
  if (prepare_at(rest)) {
    refuse(std::string(what) + " must be one statement, but another one begins" + second);
  }
  return first;
}

bool sqlite_connection::is_current() const noexcept {
  struct stat found;
  return !is_broken_ && ::stat(with_.path.c_str(), &found) == 0 && found.st_dev == device_ &&
         found.st_ino == file_;
}

sqlite_connection::patience::patience(const sqlite_connection& of, const load_context& context)
    : of_(of) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(context.deadline - context.env.now());
  const auto longest = std::clamp(left, std::chrono::milliseconds(0), of.with_.busy_timeout);
  sqlite3_busy_timeout(of.get(), static_cast<int>(longest.count()));
  auto* const watched = const_cast<load_context*>(&context);
  sqlite3_progress_handler(of.get(), steps_between_looks_at_the_clock, is_past_deadline, watched);
}

sqlite_connection::patience::~patience() {
  sqlite3_progress_handler(of_.get(), 0, nullptr, nullptr);
}

fresh_again::~fresh_again() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

}  // namespace weir
