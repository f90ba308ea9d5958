#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir::sim {

/// Who produced a value: a load of the source, or a put of a client.
enum class maker { load, put };

/// What every value of a simulation says about itself, so that a reader can tell which one it is.
struct value_label {
  std::string keyspace;
  std::string key;
  std::uint64_t version = 0;  ///< of the key in the source
  maker made_by = maker::load;
  std::uint64_t number = 0;  ///< of the load or put

  friend bool operator==(const value_label&, const value_label&) = default;
};

/// The bytes of a value: its label, `padding` bytes that depend on it, and a checksum over all.
std::string write_value(const value_label& label, std::size_t padding);

/// The label, or nothing when a single byte is not as write_value() made it.
std::optional<value_label> read_value(std::string_view bytes);

}  // namespace weir::sim
