#pragma once

#include <weir/config/load.hpp>
#include <weir/config/problem.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace weir::config {

/// A load in a made-up world: variables and files are what the test says.
class config_test : public testing::Test {
 protected:
  std::map<std::string, std::string, std::less<>> variables;
  std::map<std::string, std::string> files;

  outside world() const {
    outside made;
    made.variable = [this](std::string_view name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
    made.file =
        [this](const std::string& path, std::size_t) -> std::variant<std::string, unreadable> {
      const auto found = files.find(path);
      if (found == files.end()) return unreadable{"does not exist"};
      return found->second;
    };
    return made;
  }

  load_result load_yaml(std::string_view text, const std::vector<std::string>& sets = {}) const {
    return load_text("weir.yaml", text, sets, world());
  }

  /// The settings of a text that must be valid.
  settings valid(std::string_view text, const std::vector<std::string>& sets = {}) const {
    auto loaded = load_yaml(text, sets);
    EXPECT_TRUE(loaded.settings) << format_problems(loaded.problems);
    return loaded.settings.value_or(settings{});
  }

  /// Each problem as `line:column path: text (hint)`, without the parts that are empty.
  std::vector<std::string> problems(
      std::string_view text, const std::vector<std::string>& sets = {}
  ) const {
    return briefly(load_yaml(text, sets));
  }

  static std::vector<std::string> briefly(const load_result& loaded) {
    std::vector<std::string> all;
    for (const auto& each : loaded.problems) {
      std::string line;
      if (each.line > 0) line = std::to_string(each.line) + ":" + std::to_string(each.column) + " ";
      if (!each.path.empty()) line += each.path + ": ";
      line += each.text;
      if (!each.hint.empty()) line += " (" + each.hint + ")";
      all.push_back(line);
    }
    return all;
  }

  /// A valid file that ends with `more`, from line 2 on.
  static std::string with(std::string_view more) {
    return "keyspaces: [{name: a, source: {type: callback, name: a}}]\n" + std::string(more);
  }

  /// A valid file whose only keyspace, `users`, has the lines of `more` from line 4 on, each of
  /// which needs 4 spaces of indentation.
  static std::string keyspace_with(std::string_view more) {
    return "keyspaces:\n  - name: users\n    source: {type: callback, name: a}\n" +
           std::string(more);
  }

  /// A file with one keyspace whose source, in line 3, is `source`.
  static std::string source_is(std::string_view source) {
    return "keyspaces:\n  - name: users\n    source: " + std::string(source) + "\n";
  }
};

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

}  // namespace weir::config
