#pragma once

#include "program/console.hpp"

#include <string>
#include <vector>

namespace weir {

/// Rows of text in columns that are as wide as needed. What comes from outside is made printable.
class text_table {
 public:
  enum class align { left, right };

  struct column {
    std::string title;
    align to = align::left;

    /// The last column only: cells are cut to the width of the terminal, or to 100 characters where
    /// there is none, and end with "... 1,234 bytes" then.
    bool is_cut = false;
  };

  explicit text_table(std::vector<column> columns) : columns_(std::move(columns)) {}

  /// Cells in the order of the columns; missing ones are empty.
  void add(std::vector<std::string> cells);

  /// Prints title line and rows; nothing but the titles when there are no rows.
  void print(const console& to) const;

 private:
  void cut_last_cells(std::vector<std::vector<std::string>>& rows, const console& to) const;

  std::vector<column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

/// "1.5 KiB", "64.0 MiB".
std::string size_text(double bytes);

/// "400 us", "1.20 ms", "12 ms", "3.2 s", "5.0 min", from microseconds.
std::string time_text(double microseconds);

/// "12.3 %".
std::string percent_text(double part);

}  // namespace weir
