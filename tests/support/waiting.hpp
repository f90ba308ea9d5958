#pragma once

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <poll.h>
#include <string_view>

namespace weir::test {

/// Asks every few milliseconds; false when it has not held until `most` is over.
template <class Condition>
bool eventually(const Condition& holds, std::chrono::milliseconds most = std::chrono::seconds(10)) {
  const auto deadline = std::chrono::steady_clock::now() + most;
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    ::poll(nullptr, 0, 5);
  }
  return true;
}

/// Whether full lengths were asked for: WEIR_SOAK is neither empty nor 0.
inline bool is_soak() {
  const auto* const asked = std::getenv("WEIR_SOAK");
  return asked != nullptr && std::strtoul(asked, nullptr, 10) != 0;
}

/// Prints how long it took since then.
inline void report(std::string_view what, std::chrono::steady_clock::time_point since) {
  using std::chrono::milliseconds;
  const auto took = std::chrono::steady_clock::now() - since;
  std::cout << "[ measured ] " << what << ": "
            << std::chrono::duration_cast<milliseconds>(took).count() << " ms\n";
}

}  // namespace weir::test
