// weir keys
#include "program/commands.hpp"
#include "program/json_reader.hpp"
#include "utf8.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <ostream>

namespace weir {

namespace json = boost::json;

exit_code run_keys(const command_line& line, const node_client& node, const console& to) {
  auto target = data_target(line.keyspace, "");
  target.pop_back();
  const auto answer =
      node.send(http_method::get, target + "?keys&limit=" + std::to_string(line.limit));
  if (!answer) return report(to, "keys", answer.error());
  if (answer->status != 200) {
    return report(to, "keys", failure_of(*answer, line.keyspace, node.server()));
  }
  json::array rows;
  std::string_view rest = answer->body;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    error_code failed;
    auto row = json::parse(rest.substr(0, end), failed);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (failed) continue;
    if (line.output == output_format::table) to.out << printable(data_of(row, "key")) << '\n';
    rows.push_back(std::move(row));
  }
  if (line.output == output_format::json) {
    to.out << json::serialize(rows) << '\n';
  } else if (rows.size() == line.limit) {
    to.err << "weir keys: the first " << rows.size() << " that were found; more with --limit\n";
  }
  return exit_code::ok;
}

}  // namespace weir
