#pragma once

#include <weir/engine/data_source.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <sys/types.h>

struct sqlite3;
struct sqlite3_stmt;

namespace weir {

/// One open SQLite database. Used by one thread at a time.
class sqlite_connection {
 public:
  enum class access { read_only, read_write };

  struct settings {
    std::filesystem::path path;
    std::chrono::milliseconds busy_timeout{500};
    std::size_t max_entry = 0;
  };

  struct drop_statement {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };

  using statement = std::unique_ptr<sqlite3_stmt, drop_statement>;

  /// Opens an existing file. Throws std::runtime_error that says what is wrong with it.
  sqlite_connection(settings with, access how);

  sqlite_connection(const sqlite_connection&) = delete;
  sqlite_connection& operator=(const sqlite_connection&) = delete;

  /// Prepares the one statement of `sql`, which messages call `what`. Throws as the constructor.
  statement prepare(const std::string& sql, std::string_view what) const;

  sqlite3* get() const noexcept { return database_.get(); }

  /// Throws std::runtime_error of this file.
  [[noreturn]] void refuse(const std::string& why) const;

  /// False when the file of that name is another one by now, or when the connection is of no more
  /// use.
  bool is_current() const noexcept;

  void mark_broken() noexcept { is_broken_ = true; }

  std::size_t max_entry() const noexcept { return with_.max_entry; }

  /// While it lives, statements give up at the deadline of `context`, also those that wait for a
  /// lock.
  class patience {
   public:
    patience(const sqlite_connection& of, const load_context& context);
    ~patience();

    patience(const patience&) = delete;
    patience& operator=(const patience&) = delete;

   private:
    const sqlite_connection& of_;
  };

 private:
  struct close_database {
    void operator()(sqlite3* database) const noexcept;
  };

  const settings with_;
  std::unique_ptr<sqlite3, close_database> database_;
  dev_t device_ = 0;
  ino_t file_ = 0;
  bool is_broken_ = false;
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
