// weir mget
#include "program/batch_body.hpp"
#include "program/commands.hpp"
#include "program/json_reader.hpp"
#include "program/text_table.hpp"

#include <weir/engine/limits.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <optional>
#include <ostream>
#include <span>
#include <vector>

namespace weir {

namespace json = boost::json;

namespace {

/// The value; of a failed row why it failed: the node's words, then the source's.
std::string row_value(const json::value& row) {
  auto words = text_of(row, "detail");
  const auto source = text_of(row, "source");
  if (!source.empty()) words += (words.empty() ? "" : ": ") + source;
  if (!words.empty()) return words;
  return data_of(row, "value");
}

/// What one batch answered, and the code that its rows ask for.
struct batch_rows {
  std::vector<json::value> rows;
  exit_code code = exit_code::ok;
};

/// Adds the rows of a JSON-lines body; a failed key outweighs an absent one.
void add_rows(std::string_view body, batch_rows& to) {
  while (!body.empty()) {
    const auto end = std::min(body.find('\n'), body.size());
    error_code failed;
    auto row = json::parse(body.substr(0, end), failed);
    body.remove_prefix(std::min(end + 1, body.size()));
    if (failed) continue;
    const auto outcome = text_of(row, "outcome");
    if (outcome == "not_found" && to.code == exit_code::ok) to.code = exit_code::not_found;
    if (outcome != "not_found" && outcome != "ok") to.code = exit_code::failure;
    to.rows.push_back(std::move(row));
  }
}

void print_rows(const std::vector<json::value>& rows, const console& to) {
  text_table table(
      {{"key"},
       {"outcome"},
       {"version"},
       {"ttl", text_table::align::right},
       {.title = "value", .is_cut = true}}
  );
  for (const auto& row : rows) {
    const auto outcome = text_of(row, "outcome");
    table.add({
        data_of(row, "key"),
        outcome,
        text_of(row, "version"),
        outcome == "ok" ? time_text(number_of(row, "ttl_ms") * 1000) : "",
        row_value(row),
    });
  }
  table.print(to);
}

}  // namespace

exit_code run_mget(const command_line& line, const node_client& node, const console& to) {
  auto target = data_target(line.keyspace, "");
  target.pop_back();
  batch_rows all;
  std::optional<command_failure>
      failed;  // of a later batch: what came before it is printed all the same
  for (std::span<const std::string> rest(line.keys); !rest.empty() && !failed;) {
    const auto batch = rest.first(std::min(rest.size(), max_batch_keys));
    rest = rest.subspan(batch.size());
    const node_client::fields json_body{{"Content-Type", "application/json"}};
    const auto answer = node.send(http_method::post, target + "?get", batch_body(batch), json_body);
    if (!answer) {
      failed = answer.error();
    } else if (answer->status != 200) {
      failed = failure_of(*answer, line.keyspace, node.server());
    } else {
      add_rows(answer->body, all);
    }
  }
  if (line.output == output_format::json) {
    if (!failed) to.out << json::serialize(json::array(all.rows.begin(), all.rows.end())) << '\n';
  } else if (!failed || !all.rows.empty()) {
    print_rows(all.rows, to);
  }
  return failed ? report(to, "mget", *failed) : all.code;
}

}  // namespace weir
