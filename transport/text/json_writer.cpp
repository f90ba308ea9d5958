#include <weir/transport/json_writer.hpp>
#include <weir/transport/text.hpp>

#include <array>
#include <charconv>
#include <cmath>

namespace weir {

void json_writer::separate() {
  if (text_.empty()) return;
  const char last = text_.back();
  if (last != '{' && last != '[' && last != ':' && last != '\n') text_.push_back(',');
}

json_writer& json_writer::raw_value(std::string_view json) {
  separate();
  text_.append(json);
  return *this;
}

json_writer& json_writer::open(char brace) {
  separate();
  text_.push_back(brace);
  return *this;
}

json_writer& json_writer::close(char brace) {
  text_.push_back(brace);
  return *this;
}

json_writer& json_writer::name(std::string_view text) {
  separate();
  append_json_string(text_, text);
  text_.push_back(':');
  return *this;
}

json_writer& json_writer::value(std::string_view text) {
  separate();
  append_json_string(text_, text);
  return *this;
}

json_writer& json_writer::value(bool truth) {
  separate();
  text_.append(truth ? "true" : "false");
  return *this;
}

json_writer& json_writer::value(double number) {
  separate();
  std::array<char, 32> text;
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
  text_.append(std::isfinite(number) ? std::string_view(text.data(), end) : "null");
  return *this;
}

json_writer& json_writer::integer(std::int64_t number) {
  separate();
  append_number(text_, number);
  return *this;
}

json_writer& json_writer::natural(std::uint64_t number) {
  separate();
  append_number(text_, number);
  return *this;
}

json_writer& json_writer::data_member(std::string_view plain, std::string_view data) {
  if (is_utf8(data)) return member(plain, data);
  separate();
  text_.append("\"").append(plain).append("_base64\":\"");
  append_base64(text_, data);
  text_.push_back('"');
  return *this;
}

json_writer& json_writer::end_line() {
  text_.push_back('\n');
  return *this;
}

json_writer& json_writer::append(const json_writer& other) {
  text_.append(other.text_);
  return *this;
}

}  // namespace weir
