#pragma once

#include "yaml/document.hpp"

#include <weir/config/problem.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir::config {

/// What is wrong with a value, and what to write instead.
struct complaint {
  complaint() = default;

  complaint(std::string what, std::string advice)
      : text(std::move(what)), hint(std::move(advice)) {}

  std::string text;
  std::string hint;
};

/// Where in the settings something stands: `keyspaces[1]`, shown as `keyspaces[1] ("users")`.
struct place {
  std::string path;
  std::string label;  ///< "" = path

  const std::string& shown() const { return label.empty() ? path : label; }

  place child(std::string_view key) const;
  place item(std::size_t index) const;
};

/// Collects the problems of all sources of one load.
class reporter {
 public:
  /// `text` must outlive the reporter; empty for options.
  std::uint32_t add_file(std::string name, std::string_view text);
  std::uint32_t add_option(std::string name);

  std::string_view text_of(std::uint32_t source) const { return sources_[source].text; }

  /// Line `line` (1-based) without its end; empty beyond the last.
  std::string_view line_of(std::uint32_t source, std::size_t line) const;

  void error(const origin& at, const place& where, complaint what);
  void warning(const origin& at, const place& where, complaint what);

  /// An error there without a text yet, for a caller that finds it later.
  problem located(const origin& at, const place& where) const;

  std::size_t errors() const { return errors_; }

  /// Whether no error concerns `path` or anything below it.
  bool clean(std::string_view path) const;

  /// All problems, by source, line and column. Leaves the reporter empty.
  std::vector<problem> take();

 private:
  struct source {
    std::string name;
    std::string_view text;
    std::vector<std::size_t> line_starts;
    bool option = false;
  };

  struct record {
    origin at;
    problem what;
  };

  void add(severity level, const origin& at, const place& where, complaint what);
  void add_excerpt(problem& what, const origin& at) const;

  std::vector<source> sources_;
  std::vector<record> records_;
  std::vector<std::string> bad_paths_;
  std::size_t errors_ = 0;
  std::size_t dropped_ = 0;
};

/// `text` in double quotes for a message: control characters escaped, cut after 60 characters.
std::string quoted(std::string_view text);

}  // namespace weir::config
