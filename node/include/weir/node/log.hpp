#pragma once

#include <weir/engine/api.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weir WEIR_API {

enum class log_level : std::uint8_t { debug, info, warn, error };

std::string_view name(log_level level) noexcept;

/// What a field of a record says: text, or a number, which JSON shows as one.
class log_value {
 public:
  log_value(std::string text) : text_(std::move(text)) {}  // NOLINT: meant to convert

  log_value(std::string_view text) : text_(text) {}  // NOLINT: meant to convert

  log_value(const char* text) : text_(text) {}  // NOLINT: meant to convert

  template <std::integral Number>

  requires(!std::same_as<Number, bool> && !std::same_as<Number, char>)
      log_value(Number number)  // NOLINT: meant to convert
      : text_(std::to_string(number)), is_number_(true) {}

  const std::string& text() const noexcept { return text_; }

  bool is_number() const noexcept { return is_number_; }

  friend bool operator==(const log_value& value, std::string_view text) noexcept {
    return value.text_ == text;
  }

 private:
  std::string text_;
  bool is_number_ = false;
};

/// The fields of a record, in their order. Words of people or of another program stand in "detail".
using log_fields = std::vector<std::pair<std::string, log_value>>;

/// One thing that happened. `event` is a stable name such as "peer.unreachable"; docs/cli.md lists
/// them. Fields hold no values of the cache, and keys only at debug; they may hold any bytes, which
/// the sink must escape.
struct log_record {
  log_level level = log_level::info;
  std::string_view event;
  log_fields fields = {};
};

/// Where records go. Called on any thread, on several at once; must not block.
/// Empty = warnings and errors go to standard error.
using log_sink = std::function<void(const log_record&)>;

}  // namespace weir
