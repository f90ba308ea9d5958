#include <weir/config/problem.hpp>

namespace weir::config {

namespace {

std::string one_problem(const problem& each) {
  std::string out = place_of(each);
  out += each.level == severity::error ? ": error: " : ": warning: ";
  if (!each.path.empty()) out += each.path + ": ";
  out += each.text;
  if (each.line == 0) {
    if (!each.hint.empty()) out += "; " + each.hint;
    return out + "\n";
  }
  std::string number = std::to_string(each.line);
  if (number.size() < 5) number.insert(0, 5 - number.size(), ' ');
  out += "\n" + number + " | " + each.excerpt + "\n";
  out += std::string(number.size(), ' ') + " | " + std::string(each.caret, ' ') +
         std::string(each.width, '^');
  if (!each.hint.empty()) out += " " + each.hint;
  return out + "\n";
}

std::string counted(std::size_t count, const char* what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

}  // namespace

std::string place_of(const problem& each) {
  if (each.line == 0) return each.source;
  return each.source + ":" + std::to_string(each.line) + ":" + std::to_string(each.column);
}

std::string format_problems(const std::vector<problem>& problems) {
  std::string out;
  std::size_t errors = 0;
  for (const auto& each : problems) {
    out += one_problem(each);
    if (each.level == severity::error) ++errors;
  }
  if (errors == 0) return out;
  out += counted(errors, "error");
  if (errors < problems.size()) out += ", " + counted(problems.size() - errors, "warning");
  return out + ". Nothing was started.\n";
}

}  // namespace weir::config
