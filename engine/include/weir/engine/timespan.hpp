#pragma once

#include <weir/engine/entry.hpp>

#include <chrono>
#include <concepts>
#include <type_traits>

namespace weir WEIR_API {

/// A std::chrono duration that is whole in milliseconds.
template <class T>
concept whole_milliseconds = std::convertible_to<T, std::chrono::milliseconds>;

/// A number without a unit.
template <class T>
concept bare_number = std::is_arithmetic_v<T>;

/// A time that an option asks for: milliseconds, made of any std::chrono duration that is whole in
/// them. A number without a unit ends the compilation with one sentence.
struct timespan : std::chrono::milliseconds {
  constexpr timespan() noexcept : milliseconds(0) {}

  template <whole_milliseconds Time>
  constexpr timespan(const Time& time) noexcept : milliseconds(time) {}  // NOLINT: to convert

  template <bare_number Number>
  timespan(const Number&) {  // NOLINT: to be told, not to be found no match
    static_assert(
        !bare_number<Number>, "weir: a time needs a unit: write 60s, 500ms or 5min, not a number"
    );
  }
};

}  // namespace weir
