#include "yaml/expand.hpp"

#include "text/text.hpp"
#include "yaml/scalars.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace weir::config {

namespace {

constexpr std::size_t max_expanded_bytes = std::size_t{64} * 1024;

bool is_variable_name(std::string_view name) {
  const auto allowed = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::all_of(name.begin(), name.end(), allowed);
}

/// The value of `inside`, what stands between `${` and `}`.
parsed<std::string> replacement(std::string_view inside, const lookup& variable) {
  const std::size_t colon = inside.find(':');
  const std::string_view name = inside.substr(0, colon);
  const std::string_view rule = colon == inside.npos ? "" : inside.substr(colon, 2);
  if (!is_variable_name(name) || (colon != inside.npos && rule != ":-" && rule != ":?")) {
    return complaint{
        quoted("${" + std::string(inside) + "}") + " is not a variable",
        "write ${NAME}, ${NAME:-default} or ${NAME:?message}; $${ stands for ${"};
  }
  auto value = variable(name);
  if (rule.empty() && !value) {
    const std::string given(name);
    return complaint{
        "the environment variable " + given + " is not set",
        "set it, or write ${" + given + ":-default}"};
  }
  if (rule.empty() || (value && !value->empty())) {
    if (find_invalid_utf8(*value)) {
      return complaint{"the environment variable " + std::string(name) + " is not valid UTF-8", ""};
    }
    return *std::move(value);
  }
  const std::string_view rest = inside.substr(colon + 2);
  if (rule == ":-") return std::string(rest);
  return complaint{
      "the environment variable " + std::string(name) + " is not set" +
          (rest.empty() ? "" : ": " + printable(rest)),
      "set it before the start"};
}

parsed<std::string> expanded(std::string_view text, const lookup& variable) {
  std::string out;
  while (true) {
    const std::size_t at = text.find("${");
    out += text.substr(0, at);
    if (at == text.npos) return out;
    text.remove_prefix(at + 2);
    if (at > 0 && out.back() == '$') {  // $${
      out += '{';
      continue;
    }
    const std::size_t end = text.find('}');
    if (end == text.npos) return complaint{"\"${\" without \"}\"", "$${ stands for ${"};
    const auto value = replacement(text.substr(0, end), variable);
    if (!value) return value.error();
    out += *value;
    text.remove_prefix(end + 1);
    if (out.size() > max_expanded_bytes) {
      return complaint{"the text is over 64 KiB with its variables replaced", ""};
    }
  }
}

void expand_at(node& value, const place& where, const lookup& variable, reporter& problems) {
  for (auto& each : value.members) {
    expand_at(each.value, where.child(each.key), variable, problems);
  }
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    expand_at(value.items[i], where.item(i), variable, problems);
  }
  if (value.form != node::shape::scalar || value.text.find("${") == std::string::npos) return;
  auto text = expanded(value.text, variable);
  if (!text) {
    problems.error(value.at, where, text.error());
    value.form = node::shape::refused;
    return;
  }
  value.written = std::exchange(value.text, *std::move(text));
  value.loose = true;
}

}  // namespace

void expand(node& root, const lookup& variable, reporter& problems) {
  expand_at(root, {}, variable, problems);
}

std::string escape_variables(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("${")) out += '$';
    out += text[i];
  }
  return out;
}

}  // namespace weir::config
