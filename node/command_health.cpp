// weir health, version
#include "commands.hpp"
#include "utf8.hpp"
#include "version.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <ostream>
#include <string_view>
#include <vector>

namespace weir {
namespace {

namespace json = boost::json;

/// "0.1.0 (1a2b3c4)"
std::string full_version() {
  std::string out = version_text;
  if (*revision_text != '\0') out += std::string(" (") + revision_text + ')';
  return out;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// "[-] listeners: not open yet" as an object.
json::object check_of(std::string_view line) {
  const auto mark = line.substr(0, 3);
  line.remove_prefix(std::min<std::size_t>(4, line.size()));
  const auto colon = std::min(line.find(": "), line.size());
  json::object out{{"name", printable(line.substr(0, colon))}};
  out["state"] = mark == "[+]" ? "passed" : mark == "[!]" ? "noted" : "failed";
  if (colon != line.size()) out["detail"] = printable(line.substr(colon + 2));
  return out;
}

}  // namespace

exit_code run_health(const command_line& line, const node_client& node, const console& to) {
  const auto answer = node.send(http_method::get, "/readyz?verbose");
  if (!answer) return report(to, "health", answer.error());
  const bool is_ready = answer->status == 200;
  const auto lines = lines_of(answer->body);
  if (line.output == output_format::json) {
    json::array checks;
    for (const auto each : lines) {
      if (each.starts_with('[')) checks.push_back(check_of(each));
    }
    const json::object out{
        {"server", node.server()},
        {"live", true},
        {"ready", is_ready},
        {"checks", std::move(checks)},
    };
    to.out << json::serialize(out) << '\n';
    return is_ready ? exit_code::ok : exit_code::failure;
  }
  for (const auto each : lines) {
    const bool is_bad = each.starts_with("[-]") || each == "not ready";
    to.out << tinted(to, is_bad ? tint::bad : tint::good, printable(each)) << '\n';
  }
  return is_ready ? exit_code::ok : exit_code::failure;
}

exit_code run_version(const command_line& line, const console& to) {
  if (line.output == output_format::json) {
    to.out << boost::json::serialize(boost::json::object{
                  {"version", version_text}, {"revision", revision_text}})
           << '\n';
  } else {
    to.out << "weir " << full_version() << '\n';
  }
  return exit_code::ok;
}

}  // namespace weir
