#pragma once

#include <weir/engine/api.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace weir WEIR_API {

/// The types of RESP2 and RESP3, and what stands for a value that was too large to be held.
enum class resp_kind : std::uint8_t {
  null,        ///< `_`, and the `$-1` and `*-1` of RESP2
  simple,      ///< `+`
  error,       ///< `-`
  integer,     ///< `:`
  bulk,        ///< `$`
  array,       ///< `*`
  real,        ///< `,`
  boolean,     ///< `#`
  big_number,  ///< `(`
  blob_error,  ///< `!`
  verbatim,    ///< `=`
  map,         ///< `%`: keys and values in turn
  set,         ///< `~`
  push,        ///< `>`: told without being asked
  too_large,   ///< a `$`, `!` or `=` over the reader's limit, which was passed over
};

/// One value of the Redis protocol (github.com/redis/redis-specifications, protocol/RESP3.md).
struct resp_value {
  resp_kind kind = resp_kind::null;
  /// The bytes of a simple, error, bulk and blob_error; the digits of a big_number; of a verbatim
  /// the text behind its format.
  std::string text = {};
  std::int64_t number = 0;  ///< of an integer; 0 or 1 of a boolean; size of what was too_large
  double real = 0;
  std::vector<resp_value> items = {};  ///< of array, map, set and push

  bool is_error() const noexcept {
    return kind == resp_kind::error || kind == resp_kind::blob_error;
  }

  bool is_null() const noexcept { return kind == resp_kind::null; }

  friend bool operator==(const resp_value&, const resp_value&) = default;
};

}  // namespace weir
