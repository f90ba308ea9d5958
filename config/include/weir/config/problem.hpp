#pragma once

#include <weir/engine/api.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace weir WEIR_API {
namespace config {

enum class severity { error, warning };

/// One thing wrong with a configuration, and where.
struct problem {
  severity level = severity::error;
  /// File name as given, or the option: `--set node.weight=-1`.
  std::string source;
  /// 1-based; column counts characters, not bytes. Line 0 = the source as a whole.
  std::size_t line = 0;
  std::size_t column = 0;
  /// `keyspaces[1].ttl`, or `keyspaces[1] ("products")`. May be empty.
  std::string path;
  std::string text;
  /// What to do, such as `did you mean "ttl"?`. May be empty.
  std::string hint;
  /// The line, cut to what surrounds the place, with the characters to underline: `width` of them
  /// after the first `caret`. Empty when line is 0.
  std::string excerpt;
  std::size_t caret = 0;
  std::size_t width = 0;
};

/// `weir.yaml:41:7`, or the source alone.
std::string place_of(const problem& each);

/// The problems as compilers print them, with the line, a caret and the hint:
///
///     weir.yaml:41:7: error: keyspaces[1] ("products"): unknown key "tll"
///        41 |       tll: 30s
///           |       ^^^ did you mean "ttl"?
///     1 error. Nothing was started.
///
/// No problems give an empty text.
std::string format_problems(const std::vector<problem>& problems);

}  // namespace config
}  // namespace weir
