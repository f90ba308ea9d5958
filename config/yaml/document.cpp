#include "yaml/document.hpp"

#include "text/text.hpp"
#include "yaml/builder.hpp"
#include "yaml/reporter.hpp"
#include "yaml/slips.hpp"

#include <weir/transport/text.hpp>

#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <streambuf>
#include <string>

namespace weir::config {

namespace {

/// Reads a string_view as a stream without copying it.
class view_buffer : public std::streambuf {
 public:
  explicit view_buffer(std::string_view text) {
    char* begin = const_cast<char*>(text.data());  // streambuf never writes to its get area
    setg(begin, begin, begin + text.size());
  }
};

origin at_offset(std::uint32_t source, std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 = 0
  const auto line = std::count(before.begin(), before.end(), '\n') + 1;
  return {
      source,
      static_cast<std::uint32_t>(line),
      static_cast<std::uint32_t>(offset - line_start + 1),
      1};
}

/// Reports bytes that no YAML file may have; whether the text can be parsed.
bool check_bytes(std::uint32_t source, std::string_view text, reporter& problems) {
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff")) {
    problems.error({source}, {}, {"the file is UTF-16", "save it as UTF-8"});
    return false;
  }
  if (const auto bad = find_invalid_utf8(text)) {
    const origin at = at_offset(source, text, *bad);
    const auto byte = static_cast<unsigned char>(text[*bad]);
    std::string hex;
    append_hex(hex, byte);
    problems.error(
        {source},
        {},
        {"line " + std::to_string(at.line) + ": byte 0x" + hex + " is not valid UTF-8",
         "save the file as UTF-8"}
    );
    return false;
  }
  const auto forbidden = [](char c) { return is_control(c) && c != '\n' && c != '\t'; };
  const auto found = std::find_if(text.begin(), text.end(), forbidden);
  if (found == text.end()) return true;
  const auto offset = static_cast<std::size_t>(found - text.begin());
  const char* name = *found == '\r' ? "a carriage return without line feed" : "a control character";
  problems.error(at_offset(source, text, offset), {}, {name, "remove it"});
  return false;
}

/// Why yaml-cpp most likely gave up on `line`, which is where it did.
complaint syntax_complaint(const std::string& message, std::string_view line) {
  const std::size_t indent = line.find_first_not_of(' ');
  if (indent != line.npos && line[indent] == '\t') {
    return {"a tab in the indentation", "YAML indents with spaces only"};
  }
  if (line.find('\t') != line.npos) {
    return {"not valid YAML: " + message, "the line contains a tab; YAML needs spaces"};
  }
  if (line.find("[::") != line.npos) {
    return {"not valid YAML: " + message, "put an address with brackets in quotes: \"[::]:7420\""};
  }
  if (message == "illegal map value") {
    return {
        "not valid YAML: a \"key: value\" cannot stand here",
        "check the indentation, or put text that contains \": \" in quotes"};
  }
  if (line.find("${") != line.npos) {
    return {"not valid YAML: " + message, "inside { } and [ ], put ${VAR} in quotes"};
  }
  if (message.find("anchor") != message.npos) {
    return {"anchors (&name) and aliases (*name) are not supported", "repeat the value"};
  }
  if (message.find("flow") != message.npos) {
    return {
        "not valid YAML: " + message, "a bracket or brace is not closed, or a comma is missing"};
  }
  if (line.find('@') == indent || line.find('`') == indent || line.find('%') == indent) {
    return {"not valid YAML: " + message, "put the text in quotes"};
  }
  return {"not valid YAML: " + message, "check the indentation and the quotes near this place"};
}

/// The parser tells where it could not go on, which is often after the mistake.
std::optional<slip> likely_slip(
    const std::string& message, std::string_view text, std::size_t line
) {
  if (message.find("flow") != message.npos || message == "illegal block entry")
    return find_bracket_slip(text);
  if (message == "illegal map value" || message.find("end of map") != message.npos)
    return find_colon_slip(text, line);
  return std::nullopt;
}

void report_syntax(const YAML::Exception& error, std::uint32_t source, reporter& problems) {
  origin at{source};
  if (!error.mark.is_null() && error.mark.line >= 0) {
    at.line = static_cast<std::uint32_t>(error.mark.line) + 1;
    at.column = static_cast<std::uint32_t>(std::max(0, error.mark.column)) + 1;
  }
  if (const auto found = likely_slip(error.msg, problems.text_of(source), at.line)) {
    auto where = at_offset(source, problems.text_of(source), found->offset);
    where.width = static_cast<std::uint32_t>(found->width);
    problems.error(where, {}, {"not valid YAML: " + found->text, found->hint});
    return;
  }
  // A tab is often only noticed at the end of its line or on the next one.
  const std::string_view line = problems.line_of(source, at.line);
  const std::size_t indent = line.find_first_not_of(' ');
  if (indent != line.npos && line[indent] == '\t') {
    at.column = static_cast<std::uint32_t>(indent) + 1;
  }
  problems.error(at, {}, syntax_complaint(error.msg, line));
}

}  // namespace

const member* node::find(std::string_view key) const {
  const auto found = std::find_if(members.begin(), members.end(), [&](const member& each) {
    return each.key == key;
  });
  return found == members.end() ? nullptr : &*found;
}

member* node::find(std::string_view key) {
  return const_cast<member*>(static_cast<const node*>(this)->find(key));
}

std::string_view describe(const node& value) {
  switch (value.form) {
    case node::shape::scalar:
      return "text";
    case node::shape::list:
      return "a list";
    case node::shape::map:
      return "a map";
    default:
      return "nothing";
  }
}

node parse_document(std::uint32_t source, reporter& problems) {
  node refused;
  refused.form = node::shape::refused;
  refused.at = {source};
  const std::string_view text = problems.text_of(source);
  if (!check_bytes(source, text, problems)) return refused;
  view_buffer buffer(text);
  std::istream stream(&buffer);
  builder events(source, problems);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(events)) {
    }
  } catch (const builder::stop&) {
    return refused;
  } catch (const YAML::Exception& error) {
    report_syntax(error, source, problems);
    return refused;
  }
  return events.take();
}

}  // namespace weir::config
