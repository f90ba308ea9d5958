#include "yaml/scalars.hpp"

#include "text/text.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>

namespace weir::config {

namespace {

struct unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array duration_units{
    unit{"d", 86'400'000},
    unit{"h", 3'600'000},
    unit{"m", 60'000},
    unit{"s", 1'000},
    unit{"ms", 1}};

constexpr std::array size_units{
    unit{"TiB", std::uint64_t{1} << 40},
    unit{"GiB", std::uint64_t{1} << 30},
    unit{"MiB", std::uint64_t{1} << 20},
    unit{"KiB", std::uint64_t{1} << 10},
    unit{"TB", 1'000'000'000'000},
    unit{"GB", 1'000'000'000},
    unit{"MB", 1'000'000},
    unit{"KB", 1'000},
    unit{"B", 1}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

std::string_view take_digits(std::string_view& text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  const std::string_view digits = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(digits.size());
  return digits;
}

std::string_view take_letters(std::string_view& text) {
  std::size_t end = 0;
  while (end < text.size() && std::isalpha(static_cast<unsigned char>(text[end])) != 0) ++end;
  const std::string_view letters = text.substr(0, end);
  text.remove_prefix(end);
  return letters;
}

/// `digits * factor + sum`; nullopt when that does not fit into 63 bits.
std::optional<std::uint64_t> add_scaled(
    std::string_view digits, std::uint64_t factor, std::uint64_t sum
) {
  std::uint64_t count = 0;
  const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (code != std::errc{}) return std::nullopt;
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  if (count > (most - sum) / factor) return std::nullopt;
  return sum + count * factor;
}

complaint not_a_duration(std::string_view text) {
  std::string hint = "write for example 250ms, 30s, 1h30m or 7d";
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative) return {quoted(text) + " is negative", "write 0 or more"};
  const std::string digits(take_digits(rest));
  const std::string word = lower(rest.substr(
      rest.find_first_not_of(' ') == rest.npos ? rest.size() : rest.find_first_not_of(' ')
  ));
  const auto starts = [&](std::string_view prefix) { return word.starts_with(prefix); };
  if (!digits.empty() && digits.size() < 12) {
    if (rest.empty()) return {quoted(text) + " has no unit", "write " + digits + "s"};
    if (starts("mil") || word == "ms")
      hint = "write " + digits + "ms";
    else if (starts("min") || word == "m")
      hint = "write " + digits + "m";
    else if (starts("s"))
      hint = "write " + digits + "s";
    else if (starts("h"))
      hint = "write " + digits + "h";
    else if (starts("d"))
      hint = "write " + digits + "d";
    else if (starts("w"))
      hint = "write weeks as days, 1w = 7d";
    else if (starts("us") || starts("ns"))
      hint = "the smallest unit is ms";
  }
  return {quoted(text) + " is not a duration", hint};
}

complaint not_a_size(std::string_view text) {
  if (text.starts_with('-')) return {quoted(text) + " is negative", "write 0B or more"};
  std::string_view rest = text;
  const std::string digits(take_digits(rest));
  if (digits.empty() || digits.size() > 12) {
    return {quoted(text) + " is not a size", "write for example 64MiB (binary) or 64MB (decimal)"};
  }
  if (rest.empty())
    return {quoted(text) + " has no unit", "write " + digits + "B or " + digits + "MiB"};
  const std::size_t start = rest.find_first_not_of(' ');
  const std::string word = start == rest.npos ? "" : lower(rest.substr(start));
  if (!word.empty() && std::string_view("kmgt").find(word[0]) != std::string_view::npos &&
      (word.size() == 1 || word.substr(1) == "b" || word.substr(1) == "ib")) {
    const std::string letter(
        1, static_cast<char>(std::toupper(static_cast<unsigned char>(word[0])))
    );
    return {
        quoted(text) + " is not a size",
        "write " + digits + letter + "B (decimal) or " + digits + letter + "iB (binary)"};
  }
  return {quoted(text) + " is not a size", "write for example 64MiB (binary) or 64MB (decimal)"};
}

}  // namespace

parsed<milliseconds> parse_duration(std::string_view text) {
  if (text == "0") return milliseconds(0);
  if (text.empty()) return not_a_duration(text);
  std::string_view rest = text;
  std::uint64_t sum = 0;
  auto next = duration_units.begin();
  while (!rest.empty()) {
    const std::string_view digits = take_digits(rest);
    const std::string_view name = take_letters(rest);
    const auto found = std::find_if(next, duration_units.end(), [&](const unit& each) {
      return each.name == name;
    });
    if (digits.empty() || found == duration_units.end()) return not_a_duration(text);
    const auto total = add_scaled(digits, found->factor, sum);
    if (!total) return complaint{quoted(text) + " is too large", ""};
    sum = *total;
    next = found + 1;
  }
  return milliseconds(static_cast<std::int64_t>(sum));
}

parsed<std::uint64_t> parse_size(std::string_view text) {
  if (text == "0") return std::uint64_t{0};
  std::string_view rest = text;
  const std::string_view digits = take_digits(rest);
  const auto found = std::find_if(size_units.begin(), size_units.end(), [&](const unit& each) {
    return each.name == rest;
  });
  if (digits.empty() || found == size_units.end()) return not_a_size(text);
  const auto total = add_scaled(digits, found->factor, 0);
  if (!total) return complaint{quoted(text) + " is too large", ""};
  return *total;
}

parsed<double> parse_number(std::string_view text) {
  std::string_view rest = text;
  const bool whole = !take_digits(rest).empty();
  bool fraction = true;
  if (rest.starts_with('.')) {
    rest.remove_prefix(1);
    fraction = !take_digits(rest).empty();
  }
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!whole || !fraction || !rest.empty() || code != std::errc{}) {
    return complaint{quoted(text) + " is not a number", "write for example 1.25"};
  }
  return value;
}

parsed<double> parse_ratio(std::string_view text) {
  const bool percent = text.ends_with('%');
  const auto number = parse_number(percent ? text.substr(0, text.size() - 1) : text);
  if (!number) return complaint{quoted(text) + " is not a ratio", "write for example 10% or 0.1"};
  const double value = percent ? *number / 100 : *number;
  if (!percent && value > 1 && value <= 100) {
    return complaint{quoted(text) + " is more than 1", "write " + std::string(text) + "%"};
  }
  return value;
}

parsed<std::uint64_t> parse_integer(std::string_view text) {
  if (text.size() > 1 && text.starts_with('-') && all_digits(text.substr(1))) {
    return complaint{quoted(text) + " is negative", ""};
  }
  std::string plain(text);
  std::erase(plain, '_');
  if (plain.size() < text.size() && all_digits(plain)) {
    return complaint{quoted(text) + " is not a whole number", "write " + plain};
  }
  if (!all_digits(text) || (text.size() > 1 && text.front() == '0')) {
    return complaint{quoted(text) + " is not a whole number", "write decimal digits only"};
  }
  const auto value = add_scaled(text, 1, 0);
  if (!value) return complaint{quoted(text) + " is too large", ""};
  return *value;
}

parsed<bool> parse_boolean(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  const std::string word = lower(text);
  if (word == "yes" || word == "on" || word == "true" || word == "y" || word == "1") {
    return complaint{quoted(text) + " is not a boolean", "write true"};
  }
  if (word == "no" || word == "off" || word == "false" || word == "n" || word == "0") {
    return complaint{quoted(text) + " is not a boolean", "write false"};
  }
  return complaint{quoted(text) + " is not a boolean", "write true or false"};
}

std::string print_duration(milliseconds value) {
  auto left = static_cast<std::uint64_t>(value.count());
  std::string out;
  for (const auto& [name, factor] : duration_units) {
    if (left < factor) continue;
    out += std::to_string(left / factor) + std::string(name);
    left %= factor;
  }
  return out.empty() ? "0" : out;
}

std::string print_size(std::uint64_t value) {
  if (value == 0) return "0";
  const auto worse = [&](const unit& a, const unit& b) {
    const auto count = [&](const unit& each) {
      return value % each.factor == 0 ? value / each.factor : value + 1;
    };
    return count(a) < count(b);
  };
  const auto shortest = std::min_element(size_units.begin(), size_units.end(), worse);
  return std::to_string(value / shortest->factor) + std::string(shortest->name);
}

std::string print_number(double value) {
  std::array<char, 64> out;
  const auto [end, code] =
      std::to_chars(out.data(), out.data() + out.size(), value, std::chars_format::fixed);
  return code == std::errc{} ? std::string(out.data(), end) : "0";
}

std::string print_ratio(double value) {
  const std::string percent = print_number(value * 100) + "%";
  const auto back = parse_ratio(percent);
  return back && *back == value && percent.size() <= 6 ? percent : print_number(value);
}

bool looks_typed(std::string_view text) {
  if (text == "true" || text == "false" || text == "null" || text == "~") return true;
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  if (text.empty() || (!is_digit(text[0]) && text[0] != '.')) return false;
  if (text.starts_with("0x") || text.starts_with("0o")) return true;
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  return end == text.data() + text.size();
}

}  // namespace weir::config
