// weir mget
#include "base64.hpp"
#include "batch_body.hpp"
#include "commands.hpp"
#include "json_reader.hpp"
#include "text_table.hpp"

#include <boost/json/parse.hpp>

#include <algorithm>
#include <ostream>

namespace weir {

namespace json = boost::json;

namespace {

std::string row_key(const json::value& row) {
  const auto binary = text_of(row, "key_base64");
  return binary.empty() ? text_of(row, "key") : decode_base64_text(binary);
}

}  // namespace

exit_code run_mget(const command_line& line, const node_client& node, const console& to) {
  const auto body = batch_body(line.keys);
  const auto target = data_target(line.keyspace, "");
  const auto answer = node.send(
      http_method::post,
      target.substr(0, target.size() - 1) + "?get",
      body,
      {{"Content-Type", "application/json"}}
  );
  if (!answer) return report(to, "mget", answer.error());
  if (answer->status != 200)
    return report(to, "mget", failure_of(*answer, line.keyspace, node.server()));
  if (line.output == output_format::json) to.out << answer->body;
  text_table table({{"key"}, {"outcome"}, {"version"}, {"ttl", text_table::align::right}, {"value"}}
  );
  auto code = exit_code::ok;
  std::string_view rest = answer->body;
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    error_code failed;
    const auto row = json::parse(rest.substr(0, end), failed);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (failed) continue;
    const auto outcome = text_of(row, "outcome");
    if (outcome == "not_found" && code == exit_code::ok) code = exit_code::not_found;
    if (outcome != "not_found" && outcome != "ok") code = exit_code::failure;
    const auto binary = text_of(row, "value_base64");
    table.add({
        row_key(row),
        outcome,
        text_of(row, "version"),
        outcome == "ok" ? time_text(number_of(row, "ttl_ms") * 1000) : "",
        binary.empty() ? text_of(row, "value") : decode_base64_text(binary),
    });
  }
  if (line.output == output_format::table) table.print(to);
  return code;
}

}  // namespace weir
