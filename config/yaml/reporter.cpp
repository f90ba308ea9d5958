#include "yaml/reporter.hpp"

#include "text/text.hpp"
#include "yaml/masking.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

namespace weir::config {

namespace {

constexpr std::size_t max_problems = 200;
constexpr std::size_t excerpt_before = 70;
constexpr std::size_t excerpt_after = 50;

}  // namespace

place place::child(std::string_view key) const {
  return {path.empty() ? std::string(key) : path + "." + std::string(key), {}};
}

place place::item(std::size_t index) const {
  return {path + "[" + std::to_string(index) + "]", {}};
}

std::uint32_t reporter::add_file(std::string name, std::string_view text) {
  source added{std::move(name), text, {0}, false};
  for (std::size_t at = text.find('\n'); at != text.npos; at = text.find('\n', at + 1)) {
    added.line_starts.push_back(at + 1);
  }
  sources_.push_back(std::move(added));
  return static_cast<std::uint32_t>(sources_.size() - 1);
}

std::uint32_t reporter::add_option(std::string name) {
  sources_.push_back({std::move(name), {}, {}, true});
  return static_cast<std::uint32_t>(sources_.size() - 1);
}

std::string_view reporter::line_of(std::uint32_t source, std::size_t line) const {
  const auto& [name, text, starts, option] = sources_[source];
  if (line == 0 || line > starts.size()) return {};
  const std::size_t begin = starts[line - 1];
  const std::size_t end = line < starts.size() ? starts[line] - 1 : text.size();
  return text.substr(begin, end - begin);
}

void reporter::error(const origin& at, const place& where, complaint what) {
  ++errors_;
  if (bad_paths_.size() < max_problems) bad_paths_.push_back(where.path);
  add(severity::error, at, where, std::move(what));
}

void reporter::warning(const origin& at, const place& where, complaint what) {
  add(severity::warning, at, where, std::move(what));
}

bool reporter::clean(std::string_view path) const {
  const auto concerns = [&](std::string_view bad) {
    return bad.starts_with(path) &&
           (bad.size() == path.size() || bad[path.size()] == '.' || bad[path.size()] == '[');
  };
  return std::none_of(bad_paths_.begin(), bad_paths_.end(), concerns);
}

void reporter::add(severity level, const origin& at, const place& where, complaint what) {
  if (records_.size() >= max_problems) {
    ++dropped_;
    return;
  }
  problem added = located(at, where);
  added.level = level;
  added.text = std::move(what.text);
  added.hint = std::move(what.hint);
  records_.push_back({at, std::move(added)});
}

problem reporter::located(const origin& at, const place& where) const {
  problem made;
  made.source = sources_[at.source].name;
  made.path = where.shown();
  if (!sources_[at.source].option && at.line > 0) add_excerpt(made, at);
  return made;
}

void reporter::add_excerpt(problem& what, const origin& at) const {
  const auto above = [&](std::size_t n) {
    return n < at.line ? line_of(at.source, at.line - n) : std::string_view();
  };
  const std::string_view as_written = line_of(at.source, at.line);
  const std::string safe = masked(as_written, above);
  const std::string_view line = safe;
  const std::size_t bytes = std::min<std::size_t>(at.column - 1, line.size());
  const std::size_t first =
      start_of_character(line, bytes > excerpt_before ? bytes - excerpt_before : 0);
  const std::size_t last = start_of_character(line, std::min(line.size(), bytes + excerpt_after));
  const std::string_view shown = line.substr(first, last - first);
  const std::size_t right = count_characters(line.substr(bytes, last - bytes));
  what.line = at.line;
  what.column = count_characters(as_written.substr(0, bytes)) + 1;
  what.excerpt = printable(shown);
  what.caret = count_characters(line.substr(first, bytes - first));
  what.width = std::clamp<std::size_t>(at.width, 1, std::max<std::size_t>(right, 1));
}

std::vector<problem> reporter::take() {
  std::stable_sort(records_.begin(), records_.end(), [](const record& a, const record& b) {
    return std::tie(a.at.source, a.at.line, a.at.column) <
           std::tie(b.at.source, b.at.line, b.at.column);
  });
  std::vector<problem> all;
  for (auto& each : records_) all.push_back(std::move(each.what));
  if (dropped_ > 0) {
    problem more;
    more.source = all.back().source;
    more.text = "and " + std::to_string(dropped_) + " more problems, not shown";
    all.push_back(std::move(more));
  }
  records_.clear();
  bad_paths_.clear();
  errors_ = dropped_ = 0;
  return all;
}

std::string quoted(std::string_view text) {
  constexpr std::size_t longest = 60;
  const std::size_t end = start_of_character(text, std::min(text.size(), longest));
  return '"' + printable(text.substr(0, end)) + (end < text.size() ? "..." : "") + '"';
}

}  // namespace weir::config
