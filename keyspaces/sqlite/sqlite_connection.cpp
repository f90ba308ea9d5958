#include "sqlite/sqlite_connection.hpp"

#include <algorithm>
#include <cerrno>
#include <sqlite3.h>
#include <stdexcept>
#include <system_error>
#include <thread>

namespace weir {
namespace {

using std::chrono::milliseconds;

constexpr int steps_between_looks_at_the_clock = 2000;
constexpr std::size_t least_limit = 1'000'000;  // for the key, the query and rows on their way
constexpr milliseconds patience_at_start{200};

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

bool is_lock(int code) noexcept {
  return (code & 0xff) == SQLITE_BUSY || (code & 0xff) == SQLITE_LOCKED;
}

/// More words for a code whose text names the wrong culprit.
std::string hint_for(int code) {
  const int primary = code & 0xff;
  if (primary != SQLITE_CANTOPEN && primary != SQLITE_READONLY) return {};
  return ", a file beside it (-wal, -shm, -journal): a database in WAL mode needs a folder that "
         "can "
         "be written, also to be read. Make it so, or write the database with PRAGMA journal_mode "
         "= DELETE";
}

}  // namespace

void sqlite_connection::close_database::operator()(sqlite3* database) const noexcept {
  sqlite3_close_v2(database);
}

void sqlite_connection::drop_statement::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

sqlite_connection::sqlite_connection(settings with, access how, const load_context* context)
    : with_(std::move(with)) {
  struct stat found;
  if (::stat(with_.path.c_str(), &found) != 0) {
    const auto why = std::generic_category().message(errno);
    refuse(
        "path",
        "cannot open the database file: " + why + "; weir creates none, make it or correct path"
    );
  }
  if (!S_ISREG(found.st_mode)) refuse("path", "not a regular file");
  stamp_ = file_stamp::of(found);
  is_rested_ = stamp_.left_to_rest(with_.file_clock()).count() == 0;
  open(how);
  wait_as(context);
}

// The last connection moves what is left in the write-ahead log into the file, which must not be
// another one by now.
sqlite_connection::~sqlite_connection() {
  if (database_ && !is_unchanged())
    sqlite3_db_config(get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

void sqlite_connection::open(access how) {
  sqlite3* opened = nullptr;
  // An absolute path keeps names like "file:..." and ":memory:" from being anything but names.
  const auto path = std::filesystem::absolute(with_.path).string();
  const int mode = how == access::read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE;
  const int code = sqlite3_open_v2(path.c_str(), &opened, mode | SQLITE_OPEN_NOMUTEX, nullptr);
  database_.reset(opened);
  if (code != SQLITE_OK) {
    refuse(
        "path",
        std::string("cannot open the database: ") +
            (opened ? sqlite3_errmsg(opened) : sqlite3_errstr(code))
    );
  }
  if (how == access::read_write && sqlite3_db_readonly(opened, "main") == 1) {
    refuse("path", "put and delete need a file that may be written; it is read-only");
  }
  sqlite3_extended_result_codes(opened, 1);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(opened, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  const auto limit = std::min<std::size_t>(std::max(with_.max_entry, least_limit), 1'000'000'000);
  sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, static_cast<int>(limit));
  sqlite3_limit(opened, SQLITE_LIMIT_ATTACHED, 0);
}

void sqlite_connection::refuse(const std::string& field, const std::string& why) const {
  throw sqlite_refusal(
      errc::source_failed, field, "sqlite source \"" + with_.path.string() + "\": " + why
  );
}

sqlite_connection::statement sqlite_connection::prepare(
    const std::string& sql, const std::string& field
) const {
  const auto what = field == "query" ? "the query" : field;
  const char* rest = nullptr;
  const auto prepare_at = [&](const char* text) {
    sqlite3_stmt* made = nullptr;
    const auto length = static_cast<int>(sql.size() - static_cast<std::size_t>(text - sql.data()));
    const int code =
        sqlite3_prepare_v3(get(), text, length, SQLITE_PREPARE_PERSISTENT, &made, &rest);
    if (is_lock(code)) throw sqlite_refusal(errc::overloaded, "path", locked_text());
    if (const auto hint = hint_for(code); !hint.empty()) {
      refuse("path", sqlite3_errmsg(get()) + hint);
    }
    if (code == SQLITE_NOTADB || (code & 0xff) == SQLITE_CORRUPT) {
      refuse("path", sqlite3_errmsg(get()));
    }
    if (code != SQLITE_OK) {
      const int offset = sqlite3_error_offset(get());
      const auto before = static_cast<int>(text - sql.data());
      refuse(
          field,
          what + " does not work: " + sqlite3_errmsg(get()) +
              (offset < 0 ? "" : position(sql, offset + before, what))
      );
    }
    return statement(made);
  };

  auto first = prepare_at(sql.data());
  if (!first) refuse(field, what + " is empty");
  const auto second = position(sql, static_cast<int>(rest - sql.data()), what);
  if (prepare_at(rest)) {
    refuse(field, what + " must be one statement, but another one begins" + second);
  }
  return first;
}

bool sqlite_connection::is_same_file() const noexcept {
  const auto found = file_stamp::of(with_.path);
  return found && found->is_same_file(stamp_);
}

bool sqlite_connection::has_log() const {
  return file_stamp::of(std::filesystem::path(with_.path) += "-wal").has_value();
}

std::string sqlite_connection::locked_text() const {
  return "the database " + with_.path.string() + " is locked by another process";
}

void sqlite_connection::wait_as(const load_context* context) noexcept {
  if (context == nullptr) {
    const auto longest = std::min(with_.busy_timeout, patience_at_start);
    sqlite3_busy_timeout(get(), static_cast<int>(longest.count()));
    return;
  }
  const auto left = context->deadline - context->env.now();
  const auto to_answer = std::clamp<steady_duration>(left / 10, milliseconds(1), milliseconds(100));
  waits_in_ = &context->env;
  waits_until_ =
      context->env.now() + std::min<steady_duration>(left - to_answer, with_.busy_timeout);
  sqlite3_busy_handler(get(), on_busy, this);
}

// Nobody tells when another process unlocks a file, so one looks again, ever less often.
int sqlite_connection::on_busy(void* of, int times) noexcept {
  const auto& self = *static_cast<const sqlite_connection*>(of);
  if (self.waits_in_ == nullptr) return 0;
  const auto left = self.waits_until_ - self.waits_in_->now();
  if (left <= steady_duration::zero()) return 0;
  const steady_duration pause = milliseconds(1 << std::min(times, 4));
  self.waits_in_->begin_wait();  // other sources may have this thread's place
  std::this_thread::sleep_for(std::min(left, pause));
  self.waits_in_->end_wait();
  return 1;
}

sqlite_connection::patience::patience(sqlite_connection& of, const load_context& context)
    : of_(of) {
  of.wait_as(&context);
  auto* const watched = const_cast<load_context*>(&context);
  sqlite3_progress_handler(of.get(), steps_between_looks_at_the_clock, is_past_deadline, watched);
}

sqlite_connection::patience::~patience() {
  sqlite3_progress_handler(of_.get(), 0, nullptr, nullptr);
  of_.waits_in_ = nullptr;
}

fresh_again::~fresh_again() {
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
}

}  // namespace weir
