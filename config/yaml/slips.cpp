#include "yaml/slips.hpp"

#include "text/text.hpp"
#include "yaml/reporter.hpp"

#include <algorithm>
#include <vector>

namespace weir::config {

namespace {

constexpr std::string_view blanks = " \t\n";

/// Walks over a text as YAML does, as far as brackets, quotes and comments go.
class bracket_walk {
 public:
  explicit bracket_walk(std::string_view text) : text_(text) {}

  std::optional<slip> run() {
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '#' && (at_ == 0 || is_blank(text_[at_ - 1]))) {
        at_ = std::min(text_.find('\n', at_), text_.size() - 1);
      } else if ((c == '"' || c == '\'') && begins_value()) {
        if (!skip_quoted(c)) return std::nullopt;  // then the quote is at fault
      } else if (c == '{' && in_flow() && text_.substr(at_).starts_with(placeholder)) {
        if (!begins_value()) return unquoted_key();
        open_.push_back(at_);
      } else if ((c == '[' || c == '{') && (in_flow() || begins_value())) {
        open_.push_back(at_);
      } else if ((c == ']' || c == '}') && in_flow()) {
        if (text_[open_.back()] != (c == ']' ? '[' : '{')) break;
        open_.pop_back();
      }
    }
    if (!in_flow()) return std::nullopt;
    const bool is_list = text_[open_.back()] == '[';
    return slip{
        open_.back(),
        1,
        std::string("this ") + (is_list ? "[" : "{") + " is not closed",
        std::string("add ") + (is_list ? "]" : "}") + " where it ends"};
  }

 private:
  static bool is_blank(char c) { return blanks.find(c) != blanks.npos; }

  bool in_flow() const { return !open_.empty(); }

  /// Whether a value may begin here: after a blank that follows `:` or `-`, after a bracket or a
  /// comma, or on a line of its own.
  bool begins_value() const {
    const auto line = text_.substr(0, at_).rfind('\n') + 1;  // npos + 1 = 0
    const auto before = text_.substr(line, at_ - line);
    const auto last = before.find_last_not_of(" \t");
    if (last == before.npos) return true;
    const char c = before[last];
    if (in_flow() && (c == '[' || c == '{' || c == ',')) return true;
    return (c == ':' || c == '-') && last + 1 < before.size();
  }

  bool skip_quoted(char quote) {
    for (++at_; at_ < text_.size(); ++at_) {
      if (quote == '"' && text_[at_] == '\\') {
        ++at_;
      } else if (text_[at_] == quote) {
        if (quote == '"' || !text_.substr(at_ + 1).starts_with(quote)) return true;
        ++at_;  // '' is a quote inside
      }
    }
    return false;
  }

  slip unquoted_key() const {
    const auto before = text_.substr(0, at_).find_last_of(" \t\n,[{");
    const auto begin = before == text_.npos ? 0 : before + 1;
    const auto rest = at_ + placeholder.size();
    const auto end = std::min(text_.find_first_of(" \t\n,]}", rest), text_.size());
    const auto written = text_.substr(begin, end - begin);
    return {
        at_, placeholder.size(), "{key} needs quotes between brackets", "write " + quoted(written)};
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  std::vector<std::size_t> open_;  // where the brackets are that wait for their end
};

struct line_span {
  std::size_t begin = 0;  ///< of what is written, without indentation and "- "
  std::string_view text;  ///< that, without comment and blanks at its end
};

line_span span_of(std::string_view text, std::size_t begin) {
  auto line = text.substr(begin, text.find('\n', begin) - begin);
  if (const auto comment = line.find(" #"); comment != line.npos) line = line.substr(0, comment);
  auto first = line.find_first_not_of(" \t");
  while (first != line.npos && line.substr(first).starts_with("- ")) {
    first = line.find_first_not_of(' ', first + 1);
  }
  if (first == line.npos || line[first] == '#') return {begin, {}};
  const auto last = line.find_last_not_of(" \t");
  return {begin + first, line.substr(first, last + 1 - first)};
}

std::optional<slip> colon_slip_in(const line_span& line) {
  constexpr std::string_view word =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  const auto end = std::min(line.text.find_first_not_of(word), line.text.size());
  const std::string name(line.text.substr(0, end));
  if (name.empty()) return std::nullopt;
  const auto after = line.text.substr(end);
  if (after.starts_with(':') && after.size() > 1 && after[1] != ' ') {
    return slip{
        line.begin + end,
        1,
        "a space is missing after \":\"",
        "write " + name + ": " + std::string(after.substr(1, 40))};
  }
  const bool has_colon = line.text.find(": ") != line.text.npos || line.text.ends_with(':');
  if (has_colon || (!after.empty() && after.front() != ' ')) return std::nullopt;
  return slip{
      line.begin,
      end,
      "is there a \":\" missing after " + quoted(name) + "?",
      "write " + name + ":"};
}

}  // namespace

std::optional<slip> find_bracket_slip(std::string_view text) {
  return bracket_walk(text).run();
}

std::optional<slip> find_colon_slip(std::string_view text, std::size_t line) {
  std::optional<slip> above;
  std::size_t begin = 0;
  for (std::size_t number = 1; begin < text.size(); ++number) {
    const auto here = span_of(text, begin);
    if (number >= line) return above ? above : colon_slip_in(here);
    if (!here.text.empty()) above = colon_slip_in(here);
    begin = std::min(text.find('\n', begin), text.size() - 1) + 1;
  }
  return above;
}

}  // namespace weir::config
