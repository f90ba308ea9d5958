#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::test {

inline std::size_t occurrences(std::string_view text, std::string_view of) {
  std::size_t found = 0;
  for (auto at = text.find(of); at != text.npos; at = text.find(of, at + 1)) ++found;
  return found;
}

/// How many answers of this outcome discovery counted, from the text of /metrics.
inline int discovery_answers(const std::string& metrics, std::string_view outcome) {
  const auto name = "weir_discovery_answers_total{outcome=\"" + std::string(outcome) + "\"} ";
  const auto at = metrics.find(name);
  return at == metrics.npos ? 0 : std::stoi(metrics.substr(at + name.size()));
}

}  // namespace weir::test
