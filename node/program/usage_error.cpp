#include "program/usage_error.hpp"

#include "utf8.hpp"

#include <weir/config/closest.hpp>

#include <algorithm>

namespace weir {
namespace {

constexpr std::size_t longest_quotation = 64;
constexpr std::size_t help_width = 80;

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

/// "; did you mean weir get?", also for a command that stands one level below.
std::string meant_command(const reached_command& at, const std::string& word) {
  std::string names;
  for (const auto* each : commands_of(*at.command)) names += each->get_name() + '|';
  if (const auto near = config::closest(word, names); !near.empty()) {
    return "; did you mean " + at.path + ' ' + near;
  }
  for (const auto* each : commands_of(*at.command)) {
    for (const auto* below : commands_of(*each)) {
      if (below->get_name() == word) {
        return "; did you mean " + at.path + ' ' + each->get_name() + ' ' + word;
      }
    }
  }
  return {};
}

std::string meant_option(const CLI::App& command, const std::string& word) {
  std::string names;
  for (const auto* each : command.get_options()) {
    for (const auto& name : each->get_lnames()) names += "--" + name + '|';
  }
  const auto near = config::closest(word.substr(0, word.find('=')), names);
  return near.empty() ? "" : "; did you mean " + near;
}

/// A word too many: an option that does not exist, or more keys than the command takes.
std::string unexpected(const reached_command& at, const std::string& word) {
  if (word.starts_with('-') && word != "-") {
    return in_quotes(word) + " is not an option" + meant_option(*at.command, word);
  }
  if (at.path == "weir get") {
    return in_quotes(word) + " is a word too many; several keys are read with weir mget";
  }
  return in_quotes(word) + " is a word too many";
}

/// A command is needed, and the word is none.
std::string no_command(const reached_command& at, const std::string& word) {
  if (word.starts_with('-'))
    return in_quotes(word) + " is not an option" + meant_option(*at.command, word);
  return in_quotes(word) + " is not a command" + meant_command(at, word);
}

}  // namespace

std::string in_quotes(std::string_view text) {
  auto shown = printable(text.substr(0, longest_quotation));
  if (text.size() > longest_quotation) shown += "...";
  return '"' + shown + '"';
}

reached_command reached_in(const CLI::App& app) {
  reached_command at{&app};
  while (!at.command->get_subcommands().empty()) {
    at.command = at.command->get_subcommands().front();
    at.path += ' ' + at.command->get_name();
  }
  return at;
}

std::string wrapped_help(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = std::string(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    while (line.size() > help_width && line.starts_with("  ")) {
      const auto cut = line.rfind(' ', help_width);
      if (cut == line.npos || cut <= help_indent) break;
      out += line.substr(0, cut) + '\n';
      line = std::string(help_indent, ' ') + line.substr(cut + 1);
    }
    out += line + '\n';
  }
  return out;
}

parsed_command_line usage_error(const std::string& path, std::string what) {
  std::replace(what.begin(), what.end(), '\n', ' ');
  while (!what.empty() && (what.back() == '.' || what.back() == ' ')) what.pop_back();
  return {
      .command = {},
      .code = exit_code::usage,
      .out = {},
      .err = path + ": " + what + "; see " + path + " --help\n"};
}

parsed_command_line usage_error(const CLI::App& app, const CLI::ParseError& wrong) {
  const auto at = reached_in(app);
  auto words = at.command->remaining();
  if (words.empty()) words = app.remaining(true);
  if (words.empty()) return usage_error(at.path, wrong.what());
  const bool needs_command = at.command->get_require_subcommand_min() != 0;
  return usage_error(
      at.path, needs_command ? no_command(at, words.front()) : unexpected(at, words.front())
  );
}

}  // namespace weir
