#pragma once

#include "peer/wire/frame_header.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

/// Reads the fields of one payload; after the first fault every further field is 0 or empty.
class field_reader {
 public:
  explicit field_reader(std::string_view payload) : left_(payload) {}

  template <class Number>
  Number number() {
    const auto raw = take(sizeof(Number));
    return raw.size() == sizeof(Number) ? load_number<Number>(raw.data()) : Number{0};
  }

  std::string_view text8() { return take(number<std::uint8_t>()); }

  std::string_view text16(std::size_t limit) {
    const std::size_t size = number<std::uint16_t>();
    if (size > limit) fail(peer_fault::bad_value);
    return take(size);
  }

  std::string_view take(std::size_t size) {
    if (size > left_.size()) fail(peer_fault::truncated);
    if (fault_ != peer_fault::none) return {};
    const auto taken = left_.substr(0, size);
    left_.remove_prefix(size);
    return taken;
  }

  /// All that is left.
  std::string_view rest() { return take(left_.size()); }

  /// A count of things of at least `smallest` bytes each: never more than `limit`, nor than what is
  /// left can hold, so that memory may be reserved for it.
  std::size_t count(std::size_t limit, std::size_t smallest) {
    const std::size_t count = number<std::uint16_t>();
    if (count > limit) fail(peer_fault::bad_value);
    if (count * smallest > left_.size()) fail(peer_fault::truncated);
    return ok() ? count : 0;
  }

  template <class Enum>
  Enum one_of(Enum last) {
    const auto value = number<std::uint8_t>();
    if (value <= static_cast<std::uint8_t>(last)) return static_cast<Enum>(value);
    fail(peer_fault::bad_value);
    return {};
  }

  void fail(peer_fault fault) {
    if (fault_ == peer_fault::none) fault_ = fault;
  }

  bool ok() const { return fault_ == peer_fault::none; }

  /// The fault of the whole message; bytes left over are one.
  peer_fault done() const { return ok() && !left_.empty() ? peer_fault::trailing : fault_; }

 private:
  std::string_view left_;
  peer_fault fault_ = peer_fault::none;
};

}  // namespace weir
