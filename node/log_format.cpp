#include "log_format.hpp"

#include "utf8.hpp"

#include <weir/transport/text.hpp>

#include <algorithm>
#include <ctime>

namespace weir {
namespace {

bool is_plain(char c) {
  return c > ' ' && c < 0x7f && c != '"' && c != '=' && c != '\\';
}

bool says_who(const log_record& record, std::string_view node) {
  const auto is_node = [](const auto& field) { return field.first == "node"; };
  return !node.empty() && std::none_of(record.fields.begin(), record.fields.end(), is_node);
}

}  // namespace

std::string_view name(log_level level) noexcept {
  switch (level) {
    case log_level::debug:
      return "debug";
    case log_level::info:
      return "info";
    case log_level::warn:
      return "warn";
    case log_level::error:
      return "error";
  }
  return "info";
}

std::string timestamp(wall_clock::time_point when) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(when);
  const auto rest = std::chrono::duration_cast<std::chrono::milliseconds>(when - whole).count();
  const std::time_t seconds = wall_clock::to_time_t(whole);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  const auto size = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  auto out = std::string(text, size) + '.' + std::to_string(1000 + rest).substr(1) + 'Z';
  return out;
}

std::string logfmt_value(std::string_view text) {
  if (!text.empty() && std::all_of(text.begin(), text.end(), is_plain)) return std::string(text);
  std::string out = "\"";
  while (!text.empty()) {
    const auto length = utf8_sequence(text);
    const auto byte = static_cast<unsigned char>(text.front());
    if (length > 1) {
      out += text.substr(0, length);
    } else if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\t') {
      out += "\\t";
    } else if (byte == '"' || byte == '\\') {
      out += {'\\', text.front()};
    } else if (length == 0 || byte < ' ' || byte == 0x7f) {
      out += "\\x";
      append_hex(out, byte);
    } else {
      out += text.front();
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out + '"';
}

std::string format_logfmt(
    const log_record& record, wall_clock::time_point when, std::string_view node
) {
  auto out = "time=" + timestamp(when) + " level=";
  out += name(record.level);
  if (says_who(record, node)) out += " node=" + logfmt_value(node);
  out += " event=" + logfmt_value(record.event);
  for (const auto& [field, value] : record.fields) {
    out += ' ' + field + '=' + logfmt_value(value.text());
  }
  return out;
}

std::string format_json(
    const log_record& record, wall_clock::time_point when, std::string_view node
) {
  auto out = R"({"time":")" + timestamp(when) + R"(","level":")";
  out += name(record.level);
  out += '"';
  if (says_who(record, node)) {
    out += R"(,"node":)";
    append_json_string(out, node);
  }
  out += R"(,"event":)";
  append_json_string(out, record.event);
  for (const auto& [field, value] : record.fields) {
    out += ',';
    append_json_string(out, field);
    out += ':';
    if (value.is_number()) {
      out += value.text();
    } else {
      append_json_string(out, value.text());
    }
  }
  return out + '}';
}

}  // namespace weir
