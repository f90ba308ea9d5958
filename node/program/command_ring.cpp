// weir owner, ring
#include "program/commands.hpp"
#include "program/json_reader.hpp"
#include "program/ring_view.hpp"
#include "program/text_table.hpp"
#include "utf8.hpp"

#include <weir/transport/http_target.hpp>

#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cmath>
#include <ostream>

namespace weir {
namespace {

namespace json = boost::json;

constexpr std::size_t bar_width = 40;

std::string bar(double part) {
  const auto full = static_cast<std::size_t>(std::lround(part * bar_width));
  std::string out;
  for (std::size_t i = 0; i != std::min(full, bar_width); ++i) out += "\u2588";
  return out;
}

/// What a person must know of an owner; empty while it answers.
std::string state_text(const ring_view& shown, const std::string& id) {
  const auto found = shown.states.find(id);
  if (found == shown.states.end() || found->second == "reachable") return {};
  if (found->second == "unreachable") return "unreachable, the next nodes answer for it";
  return printable(found->second);
}

void print_shares(const ring_view& shown, const console& to) {
  text_table table(
      {{"node"},
       {"weight", text_table::align::right},
       {"slots", text_table::align::right},
       {"share", text_table::align::right},
       {""},
       {""}}
  );
  const auto made = shown.build();
  for (std::uint16_t i = 0; i != made.size(); ++i) {
    const auto& node = made.members()[i];
    table.add(
        {node.id,
         std::to_string(node.weight),
         std::to_string(made.load(i)),
         percent_text(made.share(i)),
         bar(made.share(i)),
         state_text(shown, node.id)}
    );
  }
  table.print(to);
}

exit_code simulate(
    const command_line& line, const ring_view& before, const ring_view& after, const console& to
) {
  const auto was = before.build();
  const auto is = after.build();
  const auto moved = moved_slots(was, is);
  const auto part = static_cast<double>(moved.size()) / slot_count;
  if (line.output == output_format::json) {
    json::array nodes;
    for (std::uint16_t i = 0; i != is.size(); ++i) {
      nodes.push_back(json::object{
          {"id", is.members()[i].id}, {"slots", is.load(i)}, {"share", is.share(i)}});
    }
    to.out << json::serialize(json::object{
                  {"simulated", *line.simulate},
                  {"moved_slots", moved.size()},
                  {"moved_share", part},
                  {"nodes", std::move(nodes)}})
           << '\n';
    return exit_code::ok;
  }
  print_shares(after, to);
  to.out << "with " << printable(*line.simulate) << ": " << moved.size() << " of " << slot_count
         << " slots would move (" << percent_text(part) << "); nothing was changed\n";
  return exit_code::ok;
}

}  // namespace

exit_code run_owner(const command_line& line, const node_client& node, const console& to) {
  text_table table({{"key"}, {"slot", text_table::align::right}, {"owner"}, {"gutter"}});
  json::array documents;
  for (const auto& key : line.keys) {
    const auto place = line.keyspace + '/' + key;
    const auto answer =
        node.send(http_method::get, "/cluster/ring?key=" + encode_path_segment(place));
    if (!answer) return report(to, "owner", answer.error());
    if (answer->status != 200)
      return report(to, "owner", failure_of(*answer, place, node.server()));
    const auto document = document_of(*answer, node);
    if (!document) return report(to, "owner", document.error());
    table.add(
        {place,
         count_of(*document, "slot"),
         text_of(*document, "owner"),
         text_of(*document, "gutter")}
    );
    documents.push_back(*document);
  }
  if (line.output == output_format::table) {
    table.print(to);
  } else if (documents.size() == 1) {
    to.out << json::serialize(documents.front()) << '\n';
  } else {
    to.out << json::serialize(documents) << '\n';
  }
  return exit_code::ok;
}

exit_code run_ring(const command_line& line, const node_client& node, const console& to) {
  const auto answer = node.send(http_method::get, "/cluster/ring");
  if (!answer) return report(to, "ring", answer.error());
  if (answer->status != 200)
    return report(to, "ring", failure_of(*answer, "the ring", node.server()));
  const auto document = document_of(*answer, node);
  if (!document) return report(to, "ring", document.error());
  const auto shown = read_ring(*document);
  if (!shown) return report(to, "ring", shown.error());
  if (line.simulate) {
    const auto after = simulated(*shown, *line.simulate);
    if (!after) return report(to, "ring", after.error());
    return simulate(line, *shown, *after, to);
  }
  if (line.output == output_format::json) {
    to.out << answer->body << '\n';
    return exit_code::ok;
  }
  print_shares(*shown, to);
  to.out << "view " << printable(text_of(*document, "digest")) << ", " << shown->settings.vnodes
         << " points per node\n";
  return exit_code::ok;
}

}  // namespace weir
