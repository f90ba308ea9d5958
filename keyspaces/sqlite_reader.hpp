#pragma once

#include <weir/engine/data_source.hpp>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <sys/types.h>

struct sqlite3;
struct sqlite3_stmt;

namespace weir {

/// One read-only connection to an SQLite database with one prepared query. Used by one thread at a
/// time.
class sqlite_reader {
 public:
  struct settings {
    std::filesystem::path path;
    std::string query;
    std::chrono::milliseconds busy_timeout{500};
    std::size_t max_entry = 0;
  };

  /// Opens the file and prepares the query. Throws std::runtime_error that says what is wrong with
  /// it.
  explicit sqlite_reader(const settings& with);
  ~sqlite_reader();

  sqlite_reader(const sqlite_reader&) = delete;
  sqlite_reader& operator=(const sqlite_reader&) = delete;

  /// The first column of the first row for `key`. Gives up at the deadline.
  result<loaded> read(std::string_view key, const load_context& context);

  /// False when the file of that name is another one by now, or when the connection is of no more
  /// use.
  bool is_current() const noexcept;

 private:
  struct close_database {
    void operator()(sqlite3* database) const noexcept;
  };

  struct drop_statement {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };

  void open();
  void prepare();
  result<loaded> first_value();
  errc failure(int code, const load_context& context);
  [[noreturn]] void refuse(const std::string& why) const;

  const settings with_;
  std::unique_ptr<sqlite3, close_database> database_;
  std::unique_ptr<sqlite3_stmt, drop_statement> statement_;
  dev_t device_ = 0;
  ino_t file_ = 0;
  bool is_broken_ = false;
};

}  // namespace weir
