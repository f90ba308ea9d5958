#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::test {

/// What a value of the tests says about itself.
struct sealed_value {
  std::string key;            ///< "things/k17"
  std::uint64_t version = 0;  ///< of the source when the load began, or of the put
  std::uint64_t load = 0;     ///< the load, or the put, that made it
};

/// Text of at least `size` bytes that carries all fields and a checksum over every byte.
std::string seal(const sealed_value& value, std::size_t size = 0);

/// Nothing if one byte differs from what seal() made.
std::optional<sealed_value> unseal(std::string_view text);

}  // namespace weir::test
