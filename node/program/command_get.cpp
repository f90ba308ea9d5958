// weir get
#include "program/commands.hpp"
#include "program/json_reader.hpp"
#include "program/text_table.hpp"
#include "utf8.hpp"

#include <weir/transport/text.hpp>

#include <boost/json/serialize.hpp>

#include <ostream>

namespace weir {
namespace {

namespace json = boost::json;

void print_steps(const json::value& explained, const console& to) {
  text_table table(
      {{"", text_table::align::right},
       {"node"},
       {"step"},
       {"took", text_table::align::right},
       {"what happened"}}
  );
  std::size_t number = 0;
  for (const auto& step : array_of(explained, "steps")) {
    const auto took = number_of(step, "took_us");
    table.add({
        std::to_string(++number),
        text_of(step, "node"),
        text_of(step, "step"),
        took > 0 ? time_text(took) : "-",
        text_of(step, "detail"),
    });
  }
  table.print(to);
  to.out << "outcome " << printable(text_of(explained, "outcome"));
  if (const auto version = text_of(explained, "version"); !version.empty())
    to.out << ", version " << version;
  if (const auto bytes = count_of(explained, "bytes"); !bytes.empty())
    to.out << ", " << bytes << " bytes";
  to.out << '\n';
}

exit_code code_of(std::string_view outcome) {
  if (outcome == "not_found") return exit_code::not_found;
  if (outcome == "deadline_exceeded" || outcome == "unavailable") return exit_code::unreachable;
  return outcome == "ok" ? exit_code::ok : exit_code::failure;
}

exit_code explain(const command_line& line, const node_client& node, const console& to) {
  const auto& key = line.keys.front();
  const auto answer = node.send(http_method::get, data_target(line.keyspace, key) + "?explain");
  if (!answer) return report(to, "get", answer.error());
  if (answer->status >= 400) {
    return report(to, "get", failure_of(*answer, line.keyspace + '/' + key, node.server()));
  }
  const auto document = document_of(*answer, node);
  if (!document) return report(to, "get", document.error());
  if (line.output == output_format::json) {
    to.out << answer->body << '\n';
  } else {
    print_steps(*document, to);
  }
  return code_of(text_of(*document, "outcome"));
}

/// For a terminal: lines stay lines, other control characters become visible, and the prompt gets a
/// line of its own.
void print_readable(std::string_view value, const console& to) {
  const bool ends_line = value.ends_with('\n');
  while (!value.empty()) {
    const auto end = std::min(value.find('\n'), value.size());
    to.out << printable(value.substr(0, end));
    if (end != value.size()) to.out << '\n';
    value.remove_prefix(std::min(end + 1, value.size()));
  }
  if (!ends_line) to.out << '\n';
}

void print_meta(const node_answer& answer, const console& to) {
  for (const auto* field : {"ETag", "Age", "Cache-Status", "Content-Type"}) {
    if (const auto value = answer.header(field))
      to.err << field << ": " << printable(*value) << '\n';
  }
  to.err << "Bytes: " << answer.body.size() << '\n';
}

void print_json(const command_line& line, const node_answer& answer, const console& to) {
  json::object out{{"keyspace", line.keyspace}};
  const auto add_data = [&](const std::string& name, std::string_view data) {
    if (is_utf8_text(data)) {
      out[name] = data;
    } else {
      out[name + "_base64"] = encode_base64(data);
    }
  };
  add_data("key", line.keys.front());
  add_data("value", answer.body);
  const auto add_field = [&](const char* name, const char* field) {
    if (const auto value = answer.header(field)) out[name] = printable(*value);
  };
  if (auto etag = answer.header("ETag")) {
    const auto is_quote = [](char c) { return c == '"'; };
    std::string bare(*etag);
    std::erase_if(bare, is_quote);
    out["version"] = bare;
  }
  add_field("age_seconds", "Age");
  add_field("cache_status", "Cache-Status");
  add_field("content_type", "Content-Type");
  to.out << json::serialize(out) << '\n';
}

}  // namespace

exit_code run_get(const command_line& line, const node_client& node, const console& to) {
  if (line.explain) return explain(line, node, to);
  const auto& key = line.keys.front();
  const auto* query = line.fresh ? "?fresh" : "";
  const auto answer = node.send(http_method::get, data_target(line.keyspace, key) + query);
  if (!answer) return report(to, "get", answer.error());
  if (answer->status != 200) {
    return report(to, "get", failure_of(*answer, line.keyspace + '/' + key, node.server()));
  }
  if (line.output == output_format::json) {
    print_json(line, *answer, to);
    return exit_code::ok;
  }
  if (line.meta) print_meta(*answer, to);
  if (to.columns != 0 && !line.raw) {
    print_readable(answer->body, to);
  } else {
    to.out.write(answer->body.data(), static_cast<std::streamsize>(answer->body.size()));
  }
  return exit_code::ok;
}

}  // namespace weir
