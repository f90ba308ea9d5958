#pragma once

#include "program/command_line.hpp"

#include <CLI/CLI.hpp>
#include <string>

namespace weir {

/// The command that was reached, and how it is called.
struct reached_command {
  const CLI::App* command;
  std::string path = "weir";
};

reached_command reached_in(const CLI::App& app);

/// One line that says what is wrong with the words, and where help is; exit code 2.
parsed_command_line usage_error(const std::string& path, std::string what);

/// What CLI11 found wrong, in our words: with what was probably meant, if a word is misspelt.
parsed_command_line usage_error(const CLI::App& app, const CLI::ParseError& wrong);

/// Where the second column of a help text begins.
inline constexpr std::size_t help_indent = 24;

/// A help text whose lines fit a terminal of 80 columns.
std::string wrapped_help(std::string_view text);

/// `text` as a quotation of at most 64 bytes that a terminal can show.
std::string in_quotes(std::string_view text);

}  // namespace weir
