// weir health, version
#include "program/commands.hpp"
#include "utf8.hpp"
#include "version.hpp"

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <chrono>
#include <ostream>
#include <string_view>
#include <thread>
#include <vector>

namespace weir {
namespace {

namespace json = boost::json;

constexpr auto readiness = "/readyz?verbose";
constexpr auto settlement = "/readyz?verbose&settled";
constexpr std::string_view no_lease = "[!] lease";
constexpr std::string_view not_settled = "not settled";  // and ready
constexpr milliseconds between_looks{50};

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

/// Ready, and with a lease where one is needed; or as settled as a rollout asks for.
bool is_waited_for(
    const command_line& line, const boost::system::result<node_answer, command_failure>& answer
) {
  if (!answer || answer->status != 200) return false;
  return line.settled || answer->body.find(no_lease) == std::string::npos;
}

std::string no_lease_in_time(const node_answer& answer, const node_client& node) {
  for (const auto each : lines_of(answer.body)) {
    if (each.starts_with(no_lease))
      return node.server() + " is ready, but has no lease in time: " + printable(each.substr(4));
  }
  return node.server() + " is not ready in time";
}

}  // namespace

exit_code run_health(const command_line& line, const node_client& node, const console& to) {
  const auto* const asked = line.settled ? settlement : readiness;
  const auto end = std::chrono::steady_clock::now() + line.wait.value_or(milliseconds(0));
  auto answer = node.send(http_method::get, asked);
  while (!is_waited_for(line, answer) && std::chrono::steady_clock::now() + between_looks < end) {
    std::this_thread::sleep_for(between_looks);  // another process: nothing here tells of it
    answer = node.send(http_method::get, asked);
  }
  if (line.wait && answer && answer->status == 200 && !is_waited_for(line, answer)) {
    return report(to, "health", {exit_code::failure, no_lease_in_time(*answer, node)});
  }
  if (!answer) return report(to, "health", answer.error());
  const bool is_good = answer->status == 200;
  const auto lines = lines_of(answer->body);
  if (line.output == output_format::json) {
    json::array checks;
    for (const auto each : lines) {
      if (each.starts_with('[')) checks.push_back(check_of(each));
    }
    json::object out{
        {"server", node.server()},
        {"live", true},
        {"ready", is_good || (!lines.empty() && lines.back() == not_settled)},
        {"checks", std::move(checks)},
    };
    if (line.settled) out["settled"] = is_good;
    to.out << json::serialize(out) << '\n';
    return is_good ? exit_code::ok : exit_code::failure;
  }
  for (const auto each : lines) {
    const bool is_bad = each.starts_with("[-]") || each == "not ready" || each == not_settled;
    to.out << tinted(to, is_bad ? tint::bad : tint::good, printable(each)) << '\n';
  }
  return is_good ? exit_code::ok : exit_code::failure;
}

exit_code run_version(const command_line& line, const console& to) {
  if (line.output == output_format::json) {
    to.out << boost::json::serialize(boost::json::object{
                  {"version", version_text}, {"revision", revision_text}})
           << '\n';
  } else {
    to.out << version_line() << '\n';
  }
  return exit_code::ok;
}

}  // namespace weir
