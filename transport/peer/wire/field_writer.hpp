#pragma once

#include "peer/wire/frame_queue.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace weir {

/// Writes fields to flat bytes; large values go into `body`, if there is one, without being copied.
class field_writer {
 public:
  explicit field_writer(std::string& flat, frame_body* body = nullptr) : flat_(flat), body_(body) {}

  template <class Number>
  void number(Number value) {
    char raw[sizeof value];
    store_number(raw, value);
    flat_.append(raw, sizeof raw);
  }

  void u8(std::uint8_t value) { flat_.push_back(static_cast<char>(value)); }

  void text8(std::string_view text) {
    text = text.substr(0, 255);
    u8(static_cast<std::uint8_t>(text.size()));
    flat_.append(text);
  }

  void text16(std::string_view text, std::size_t limit) {
    text = text.substr(0, limit);
    number(static_cast<std::uint16_t>(text.size()));
    flat_.append(text);
  }

  void value(const bytes& value) {
    if (body_ != nullptr && value.size() >= frame_body::splice_from) {
      body_->splice(value);
    } else {
      flat_.append(value.data(), value.size());
    }
  }

  void raw(const char* data, std::size_t size) { flat_.append(data, size); }

 private:
  std::string& flat_;
  frame_body* body_;
};

}  // namespace weir
