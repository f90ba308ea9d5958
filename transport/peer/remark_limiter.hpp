#pragma once

#include <weir/engine/entry.hpp>
#include <weir/engine/environment.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace weir {

/// Which of many alike remarks are worth a line: the first, and one a minute that counts the rest.
/// Of more than `most` kinds within a minute the further ones are counted as one kind. Not
/// thread-safe.
class remark_limiter {
 public:
  explicit remark_limiter(milliseconds every = milliseconds(60'000), std::size_t most = 64)
      : every_(every), most_(most) {}

  /// How many remarks a line now stands for, `kind`'s this one included; 0 = no line now.
  std::uint64_t take(const std::string& kind, time_point now);

 private:
  struct seen {
    time_point told{};
    std::uint64_t untold = 0;
  };

  const milliseconds every_;
  const std::size_t most_;
  std::map<std::string, seen> kinds_;  ///< "" = all that found no place
};

}  // namespace weir
