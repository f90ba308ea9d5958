#pragma once

#include <weir/engine/api.hpp>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir WEIR_API {

/// Writes one JSON text in the order of the calls; sets commas, not braces that match.
class json_writer {
 public:
  json_writer& begin_object() { return open('{'); }

  json_writer& end_object() { return close('}'); }

  json_writer& begin_array() { return open('['); }

  json_writer& end_array() { return close(']'); }

  /// The name of the member whose value follows.
  json_writer& name(std::string_view text);

  json_writer& value(std::string_view text);

  json_writer& value(const char* text) { return value(std::string_view(text)); }

  json_writer& value(bool truth);
  json_writer& value(double number);
  template <std::integral T>

  requires(!std::same_as<T, bool>) json_writer& value(T number) {
    if constexpr (std::signed_integral<T>) {
      return integer(static_cast<std::int64_t>(number));
    } else {
      return natural(static_cast<std::uint64_t>(number));
    }
  }

  template <class T>
  json_writer& member(std::string_view with_name, const T& with_value) {
    name(with_name);
    return value(with_value);
  }

  /// The member `plain` when `data` is UTF-8, else `plain` + "_base64".
  json_writer& data_member(std::string_view plain, std::string_view data);

  /// A value that is JSON already.
  json_writer& raw_value(std::string_view json);

  /// Ends a line of JSON lines.
  json_writer& end_line();

  /// Appends a line made elsewhere.
  json_writer& append(const json_writer& other);

  std::size_t size() const noexcept { return text_.size(); }

  const std::string& text() const noexcept { return text_; }

  void clear() noexcept { text_.clear(); }

 private:
  json_writer& open(char brace);
  json_writer& close(char brace);
  json_writer& integer(std::int64_t number);
  json_writer& natural(std::uint64_t number);
  void separate();

  std::string text_;
};

}  // namespace weir
