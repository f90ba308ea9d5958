#pragma once

#include <weir/engine/api.hpp>

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

namespace weir WEIR_API {

/// Commands as a client writes them: arrays of bulk strings, one after the other.
class resp_commands {
 public:
  /// Adds one command of `arguments` parts, which argument() must give before the next one.
  void begin(std::size_t arguments);
  void argument(std::string_view bytes);

  void add(std::initializer_list<std::string_view> arguments);

  /// How many commands, which is how many answers come.
  std::size_t count() const noexcept { return count_; }

  const std::string& text() const& noexcept { return text_; }

  std::string text() && noexcept { return std::move(text_); }

 private:
  std::string text_;
  std::size_t count_ = 0;
};

}  // namespace weir
