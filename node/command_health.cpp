// weir health, version
#include "commands.hpp"
#include "utf8.hpp"
#include "version.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <ostream>

namespace weir {
namespace {

/// "0.1.0 (1a2b3c4)"
std::string full_version() {
  std::string out = version_text;
  if (*revision_text != '\0') out += std::string(" (") + revision_text + ')';
  return out;
}

}  // namespace

exit_code run_health(const command_line& line, const node_client& node, const console& to) {
  const auto answer = node.send(http_method::get, "/readyz?verbose");
  if (!answer) return report(to, "health", answer.error());
  const bool is_ready = answer->status == 200;
  if (line.output == output_format::json) {
    const boost::json::object out{{"server", node.server()}, {"live", true}, {"ready", is_ready}};
    to.out << boost::json::serialize(out) << '\n';
    return is_ready ? exit_code::ok : exit_code::failure;
  }
  std::string_view rest = answer->body;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto text = rest.substr(0, end);
    const auto colour = text.starts_with("[-]") || text == "not ready" ? tint::bad : tint::good;
    to.out << tinted(to, colour, printable(text)) << '\n';
    rest.remove_prefix(std::min(end + 1, rest.size()));
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
