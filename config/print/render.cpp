#include "print/render.hpp"

#include "text/text.hpp"
#include "yaml/expand.hpp"
#include "yaml/masking.hpp"
#include "yaml/scalars.hpp"

#include <weir/transport/text.hpp>

#include <algorithm>
#include <array>
#include <cctype>

namespace weir::config {

namespace {

std::string_view nth_choice(std::string_view choices, std::uint64_t index) {
  for (; index > 0; --index) choices.remove_prefix(choices.find('|') + 1);
  return choices.substr(0, choices.find('|'));
}

bool is_plain(std::string_view text) {
  constexpr std::string_view marks = "._/-";
  constexpr std::array words{"null", "true", "false", "yes", "no", "on", "off"};
  const auto safe = [&](unsigned char c) {
    return std::isalnum(c) != 0 || marks.find(static_cast<char>(c)) != marks.npos;
  };
  return !text.empty() && text.front() != '-' && text.front() != '.' && !looks_typed(text) &&
         std::none_of(
             words.begin(), words.end(), [&](const char* each) { return lower(text) == each; }
         ) &&
         std::all_of(text.begin(), text.end(), safe);
}

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (is_control(c)) {
      out += "\\x";
      append_hex(out, static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace

std::string render_text(std::string_view text) {
  return is_plain(text) ? std::string(text) : in_quotes(escape_variables(text));
}

std::string render(const field& row, const value& given) {
  if (std::holds_alternative<std::monostate>(given)) {
    return row.word == special::automatic ? "auto" : "";
  }
  switch (row.type) {
    case kind::boolean:
      return std::get<bool>(given) ? "true" : "false";
    case kind::integer:
      return std::to_string(std::get<std::uint64_t>(given));
    case kind::number:
      return print_number(std::get<double>(given));
    case kind::ratio:
      return print_ratio(std::get<double>(given));
    case kind::duration:
      return print_duration(std::get<milliseconds>(given));
    case kind::size:
      return print_size(std::get<std::uint64_t>(given));
    case kind::address:
      return in_quotes(to_string(std::get<address>(given)));
    case kind::choice:
      return std::string(nth_choice(row.choices, std::get<std::uint64_t>(given)));
    default:
      return render_text(std::get<std::string>(given));
  }
}

std::string render_peer(const static_peer& peer) {
  return in_quotes(peer.id + "=" + to_string(peer.address));
}

std::string render_servers(const std::vector<address>& servers) {
  std::string out = "[";
  for (const auto& each : servers) out += (out.size() > 1 ? ", " : "") + in_quotes(to_string(each));
  return out + "]";
}

std::string render_texts(const std::vector<std::string>& texts) {
  std::string out = "[";
  for (const auto& each : texts) {
    out += (out.size() > 1 ? ", " : "") + in_quotes(escape_variables(each));
  }
  return out + "]";
}

std::string render_secret(const secret_text& secret) {
  switch (secret.from) {
    case secret_text::origin::env:
      return "{env: " + render_text(secret.reference) + "}";
    case secret_text::origin::file:
      return "{file: " + render_text(secret.reference) + "}";
    default:
      break;
  }
  return secret.written.empty() ? "\"********\"" : in_quotes(secret.written);
}

std::string render_header(const http_header& header) {
  const secret_text& given = header.value;
  const bool is_shown = given.from == secret_text::origin::plain && given.written.empty() &&
                        !is_credential(header.name);
  return is_shown ? render_text(given.value) : render_secret(given);
}

}  // namespace weir::config
