#include "postgres/pg_types.hpp"

#include <weir/transport/text.hpp>

#include <algorithm>
#include <array>
#include <charconv>

namespace weir {
namespace {

struct known_type {
  Oid scalar, array;
  pg_form form;
};

constexpr std::array known{
    known_type{pg_text_type, pg_text_array_type, pg_form::text},
    known_type{1043, 1015, pg_form::text},  // varchar
    known_type{114, 199, pg_form::text},    // json
    known_type{142, 143, pg_form::text},    // xml
    known_type{1042, 1014, pg_form::padded},
    known_type{pg_bytea_type, pg_bytea_array_type, pg_form::binary},
    known_type{21, 1005, pg_form::int2},
    known_type{23, 1007, pg_form::int4},
    known_type{20, 1016, pg_form::int8},
    known_type{2950, 2951, pg_form::uuid},
};

template <class Integer>
bool is_number(std::string_view text) noexcept {
  Integer number = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, failed] = std::from_chars(text.data(), end, number);
  if (failed != std::errc() || stop != end) return false;
  std::array<char, 24> again{};
  const auto written = std::to_chars(again.data(), again.data() + again.size(), number);
  return text ==
         std::string_view(again.data(), static_cast<std::size_t>(written.ptr - again.data()));
}

bool is_uuid(std::string_view text) noexcept {
  if (text.size() != 36) return false;
  for (std::size_t i = 0; i != text.size(); ++i) {
    const char c = text[i];
    const bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
    const bool is_digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (is_dash ? c != '-' : !is_digit) return false;
  }
  return true;
}

}  // namespace

pg_form pg_form_of(Oid type) noexcept {
  for (const auto& each : known) {
    if (type == each.scalar || type == each.array) return each.form;
  }
  return pg_form::other;
}

bool is_pg_array(Oid type) noexcept {
  return std::none_of(known.begin(), known.end(), [type](const auto& each) {
    return type == each.scalar;
  });
}

bool pg_holds(pg_form form, std::string_view bytes) noexcept {
  const bool is_text = bytes.find('\0') == bytes.npos && is_utf8(bytes);
  switch (form) {
    case pg_form::binary:
      return true;
    case pg_form::int2:
      return is_number<std::int16_t>(bytes);
    case pg_form::int4:
      return is_number<std::int32_t>(bytes);
    case pg_form::int8:
      return is_number<std::int64_t>(bytes);
    case pg_form::uuid:
      return is_uuid(bytes);
    case pg_form::padded:
      return is_text && !bytes.ends_with(' ');
    case pg_form::text:
    case pg_form::other:
      break;
  }
  return is_text;
}

bool pg_takes_bytes(pg_form form) noexcept {
  return form == pg_form::text || form == pg_form::padded || form == pg_form::binary;
}

std::string pg_array_of(pg_form form, const std::vector<std::string_view>& keys) {
  std::string array = "{";
  for (const auto& key : keys) {
    if (array.size() > 1) array += ',';
    array += '"';
    if (form == pg_form::binary) {
      array += "\\\\x";
      for (const char c : key) append_hex(array, static_cast<unsigned char>(c));
    } else {
      for (const char c : key) {
        if (c == '"' || c == '\\') array += '\\';
        array += c;
      }
    }
    array += '"';
  }
  return array + '}';
}

std::string pg_identifier(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) {
    if (c == '.') {
      quoted += "\".\"";
    } else {
      quoted += c;
      if (c == '"') quoted += '"';
    }
  }
  return quoted + '"';
}

}  // namespace weir
