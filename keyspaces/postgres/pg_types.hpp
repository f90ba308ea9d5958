#pragma once

#include "postgres/pg_result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// How the bytes of weir become a value of a type of the server, by its number in pg_type.
enum class pg_form : std::uint8_t {
  text,    ///< text, varchar, json, xml: UTF-8 without NUL
  padded,  ///< char(n): text that does not end with blanks
  binary,  ///< bytea
  int2,
  int4,
  int8,
  uuid,
  other,  ///< as text; the server says what it takes
};

constexpr Oid pg_text_type = 25;
constexpr Oid pg_bytea_type = 17;
constexpr Oid pg_text_array_type = 1009;
constexpr Oid pg_bytea_array_type = 1001;

/// The form of a type, or of the elements of an array.
pg_form pg_form_of(Oid type) noexcept;
bool is_pg_array(Oid type) noexcept;

/// Whether a value of that form can be these bytes and no others: "042" is not what an integer
/// column holds, though it would be found there.
bool pg_holds(pg_form form, std::string_view bytes) noexcept;

/// True when the server takes the bytes as they are, without copying them into a text.
bool pg_takes_bytes(pg_form form) noexcept;

/// An array of the keys as the server reads it, {"a","b"}.
std::string pg_array_of(pg_form form, const std::vector<std::string_view>& keys);

/// "name", or "schema"."name", for use in a statement.
std::string pg_identifier(std::string_view name);

}  // namespace weir
