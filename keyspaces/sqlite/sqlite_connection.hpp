#pragma once

#include "file_stamp.hpp"

#include <weir/engine/data_source.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace weir {

/// Why a database or a statement cannot be used.
class sqlite_refusal : public std::runtime_error {
 public:
  sqlite_refusal(errc code, std::string field, const std::string& text)
      : std::runtime_error(text), code_(code), field_(std::move(field)) {}

  /// errc::overloaded when another process holds the lock: it passes; else errc::source_failed.
  errc code() const noexcept { return code_; }

  /// The option at fault: path, query, put, delete or revision.
  const std::string& field() const noexcept { return field_; }

 private:
  errc code_;
  std::string field_;
};

/// One open SQLite database. Used by one thread at a time.
///
/// SQLite takes a file for unchanged when four numbers in its header are equal. That holds among
/// its own writers, but two files that one script made have them equal, and a file that is written
/// over in place (cp, cat, rsync --inplace) goes on to be served from the pages in memory; a writer
/// would put such pages into it. So a connection remembers the stamp of the file from before it was
/// opened, and is discarded when the file has another one.
class sqlite_connection {
 public:
  enum class access { read_only, read_write };

  struct settings {
    std::filesystem::path path;
    std::chrono::milliseconds busy_timeout{500};
    std::size_t max_entry = 0;
    file_stamp::time (*file_clock)() noexcept = &file_stamp::now;  ///< what files are stamped with
  };

  struct drop_statement {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };

  using statement = std::unique_ptr<sqlite3_stmt, drop_statement>;

  /// Opens an existing file. Locks of others are waited for until the deadline of `context`, which
  /// outlives only this call and prepare(); without one, 200 ms. Throws sqlite_refusal.
  sqlite_connection(settings with, access how, const load_context* context = nullptr);
  ~sqlite_connection();

  sqlite_connection(const sqlite_connection&) = delete;
  sqlite_connection& operator=(const sqlite_connection&) = delete;

  /// Prepares the one statement of `sql`, which is the option `field`. Throws sqlite_refusal.
  statement prepare(const std::string& sql, const std::string& field) const;

  sqlite3* get() const noexcept { return database_.get(); }

  [[noreturn]] void refuse(const std::string& field, const std::string& why) const;

  /// True when what it has read of the file still counts. False for a while after each change, as
  /// the file may have changed twice with one stamp.
  bool is_current() const noexcept { return !is_broken_ && is_rested_ && is_unchanged(); }

  /// False when the file of that name is, as far as stamps tell, not what it was when it was
  /// opened.
  bool is_unchanged() const noexcept { return file_stamp::of(with_.path) == stamp_; }

  /// False when the name leads to another file, or nowhere.
  bool is_same_file() const noexcept;

  /// True when there is a write-ahead log beside it: then checkpoints change the file at any time.
  bool has_log() const;

  void mark_broken() noexcept { is_broken_ = true; }

  std::size_t max_entry() const noexcept { return with_.max_entry; }

  /// "the database users.db is locked by another process"
  std::string locked_text() const;

  /// While it lives, statements give up at the deadline of `context`. Those that wait for a lock
  /// give up a little before, so that the answer says why.
  class patience {
   public:
    patience(sqlite_connection& of, const load_context& context);
    ~patience();

    patience(const patience&) = delete;
    patience& operator=(const patience&) = delete;

   private:
    sqlite_connection& of_;
  };

 private:
  struct close_database {
    void operator()(sqlite3* database) const noexcept;
  };

  void open(access how);
  void wait_as(const load_context* context) noexcept;
  static int on_busy(void* of, int times) noexcept;

  const settings with_;
  std::unique_ptr<sqlite3, close_database> database_;
  file_stamp stamp_;
  bool is_rested_ = false;
  bool is_broken_ = false;
  environment* waits_in_ = nullptr;  // of the load that may wait for a lock
  time_point waits_until_{};
};

/// Resets a statement whatever happens, so that no transaction stays open because of it.
class fresh_again {
 public:
  explicit fresh_again(const sqlite_connection::statement& of) : statement_(of.get()) {}

  ~fresh_again();

  fresh_again(const fresh_again&) = delete;
  fresh_again& operator=(const fresh_again&) = delete;

 private:
  sqlite3_stmt* statement_;
};

}  // namespace weir
