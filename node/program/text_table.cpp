#include "program/text_table.hpp"

#include "utf8.hpp"

#include <algorithm>
#include <cstdio>
#include <ostream>

namespace weir {
namespace {

std::string number_text(int digits, double number, const char* unit) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", digits, number);
  return std::string(text) + unit;
}

constexpr std::size_t widest_cell = 100;  // where there is no terminal
constexpr std::size_t least_cell = 30;

/// "600,000"
std::string grouped(std::size_t number) {
  auto text = std::to_string(number);
  for (auto at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

/// `text`, or what of it leaves room for "... 600,000 bytes" in `limit` characters.
std::string cut_text(const std::string& text, std::size_t limit) {
  if (columns(text) <= limit) return text;
  const auto tail = "... " + grouped(text.size()) + " bytes";
  std::size_t end = 0;
  for (std::size_t left = limit - std::min(limit, tail.size()); left != 0; --left) {
    end += std::max<std::size_t>(utf8_sequence(std::string_view(text).substr(end)), 1);
  }
  return text.substr(0, end) + tail;
}

}  // namespace

void text_table::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (auto& each : cells) each = printable(each);
  rows_.push_back(std::move(cells));
}

void text_table::cut_last_cells(std::vector<std::vector<std::string>>& rows, const console& to)
    const {
  std::size_t others = 0;
  for (std::size_t i = 0; i + 1 < columns_.size(); ++i) {
    auto widest = columns(columns_[i].title);
    for (const auto& row : rows) widest = std::max(widest, columns(row[i]));
    others += widest + 2;
  }
  const auto limit =
      to.columns == 0 ? widest_cell : std::max(to.columns, others + least_cell) - others;
  for (auto& row : rows) row.back() = cut_text(row.back(), limit);
}

void text_table::print(const console& to) const {
  std::vector<std::size_t> widths;
  auto rows = rows_;
  if (columns_.back().is_cut) cut_last_cells(rows, to);
  for (std::size_t i = 0; i != columns_.size(); ++i) {
    auto widest = columns(columns_[i].title);
    for (const auto& row : rows) widest = std::max(widest, columns(row[i]));
    widths.push_back(widest);
  }
  const auto line_of = [&](const auto& cell) {
    std::string line;
    for (std::size_t i = 0; i != columns_.size(); ++i) {
      const std::string& text = cell(i);
      const std::string padding(widths[i] - columns(text), ' ');
      if (i != 0) line += "  ";
      line += columns_[i].to == align::right ? padding + text : text + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    return line;
  };
  const auto titles =
      line_of([&](std::size_t i) -> const std::string& { return columns_[i].title; });
  to.out << tinted(to, tint::strong, titles) << '\n';
  for (const auto& row : rows) {
    to.out << line_of([&](std::size_t i) -> const std::string& { return row[i]; }) << '\n';
  }
}

std::string size_text(double bytes) {
  constexpr const char* units[] = {" B", " KiB", " MiB", " GiB", " TiB"};
  std::size_t unit = 0;
  while (bytes >= 1024 && unit != 4) {
    bytes /= 1024;
    ++unit;
  }
  return number_text(unit == 0 ? 0 : 1, bytes, units[unit]);
}

std::string time_text(double microseconds) {
  if (microseconds < 1000) return number_text(0, microseconds, " us");
  if (microseconds < 10'000) return number_text(2, microseconds / 1000, " ms");
  if (microseconds < 1'000'000) return number_text(0, microseconds / 1000, " ms");
  if (microseconds < 120e6) return number_text(1, microseconds / 1e6, " s");
  if (microseconds < 7200e6) return number_text(1, microseconds / 60e6, " min");
  return number_text(1, microseconds / 3600e6, " h");
}

std::string percent_text(double part) {
  return number_text(1, part * 100, " %");
}

}  // namespace weir
