#include "http/http_date.hpp"

#include <algorithm>
#include <array>

namespace weir {
namespace {

using namespace std::chrono;

constexpr std::array<std::string_view, 12> months{
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<std::string_view, 7> long_days{
    "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

/// Takes a date apart from the front; once something is missing, nothing more is found.
class date_reader {
 public:
  explicit date_reader(std::string_view text) noexcept : left_(text) {}

  bool is_whole() const noexcept { return is_good_ && left_.empty(); }

  void word(std::string_view expected) noexcept {
    if (!left_.starts_with(expected)) return fail();
    left_.remove_prefix(expected.size());
  }

  template <std::size_t Size>
  unsigned one_of(const std::array<std::string_view, Size>& words) noexcept {
    for (unsigned at = 0; at != Size; ++at) {
      if (!left_.starts_with(words[at])) continue;
      left_.remove_prefix(words[at].size());
      return at;
    }
    fail();
    return 0;
  }

  int number(std::size_t digits) noexcept {
    int value = 0;
    if (left_.size() < digits) fail();
    for (std::size_t i = 0; i != digits && is_good_; ++i) {
      if (left_[i] < '0' || left_[i] > '9')
        fail();
      else
        value = value * 10 + (left_[i] - '0');
    }
    if (is_good_) left_.remove_prefix(digits);
    return value;
  }

  void time() noexcept {
    hour_ = number(2);
    word(":");
    minute_ = number(2);
    word(":");
    second_ = number(2);
  }

  std::optional<sys_seconds> at(int of_year, unsigned of_month, int of_day) const noexcept {
    const year_month_day date{
        year(of_year), month(of_month + 1), day(static_cast<unsigned>(of_day))};
    // 60 is a leap second, which counts as the next one.
    if (!is_whole() || !date.ok() || hour_ > 23 || minute_ > 59 || second_ > 60)
      return std::nullopt;
    return sys_days(date) + hours(hour_) + minutes(minute_) + seconds(second_);
  }

 private:
  void fail() noexcept {
    is_good_ = false;
    left_ = {};
  }

  std::string_view left_;
  bool is_good_ = true;
  int hour_ = 0, minute_ = 0, second_ = 0;
};

/// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<sys_seconds> fixed_form(std::string_view text) noexcept {
  date_reader in(text);
  in.one_of(days);
  in.word(", ");
  const auto of_day = in.number(2);
  in.word(" ");
  const auto of_month = in.one_of(months);
  in.word(" ");
  const auto of_year = in.number(4);
  in.word(" ");
  in.time();
  in.word(" GMT");
  return in.at(of_year, of_month, of_day);
}

/// "Sunday, 06-Nov-94 08:49:37 GMT"; a year over 50 years ahead is of the century before.
std::optional<sys_seconds> long_form(std::string_view text) noexcept {
  date_reader in(text);
  in.one_of(long_days);
  in.word(", ");
  const auto of_day = in.number(2);
  in.word("-");
  const auto of_month = in.one_of(months);
  in.word("-");
  auto of_year = in.number(2) + 2000;
  in.word(" ");
  in.time();
  in.word(" GMT");
  const year_month_day today(floor<std::chrono::days>(system_clock::now()));
  if (of_year > static_cast<int>(today.year()) + 50) of_year -= 100;
  return in.at(of_year, of_month, of_day);
}

/// "Sun Nov  6 08:49:37 1994"
std::optional<sys_seconds> asctime_form(std::string_view text) noexcept {
  date_reader in(text);
  in.one_of(days);
  in.word(" ");
  const auto of_month = in.one_of(months);
  in.word(" ");
  const bool is_padded = text.size() > 8 && text[8] == ' ';
  if (is_padded) in.word(" ");
  const auto of_day = in.number(is_padded ? 1 : 2);
  in.word(" ");
  in.time();
  in.word(" ");
  const auto of_year = in.number(4);
  return in.at(of_year, of_month, of_day);
}

}  // namespace

std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text) noexcept {
  if (const auto found = fixed_form(text)) return found;
  if (const auto found = long_form(text)) return found;
  return asctime_form(text);
}

}  // namespace weir
