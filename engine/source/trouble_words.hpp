#pragma once

#include <weir/engine/environment.hpp>
#include <weir/engine/error.hpp>

#include <chrono>
#include <string>

namespace weir {

/// A failure as an operator reads it: our words, then those from outside.
inline std::string words_of(const error& why) {
  std::string out(why.remark());
  if (const auto detail = why.detail(); !detail.empty())
    out = std::string(detail) + (out.empty() ? "" : ": ") + out;
  return out.empty() ? why.code().message() : out;
}

inline std::string seconds_text(steady_duration time) {
  return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + "s";
}

}  // namespace weir
