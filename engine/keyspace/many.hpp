#pragma once

#include "keyspace/keyspace_core.hpp"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace weir {

/// The answers of one get_many, filled from any thread; the last one completes it.
struct keyspace_core::many {
  std::vector<std::string> keys;
  get_options options;
  time_point deadline;
  std::uint64_t batch;  ///< one caller in the line of the loads, here and at the owners
  std::vector<result<lookup>> answers;
  std::atomic<std::size_t> missing;
  completion<std::vector<result<lookup>>> done;

  void answer(std::size_t position, result<lookup> with) {
    answers[position] = std::move(with);
    if (missing.fetch_sub(1) == 1) std::move(done)(std::move(answers));
  }
};

}  // namespace weir
