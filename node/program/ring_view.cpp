#include "program/ring_view.hpp"

#include "program/json_reader.hpp"
#include "utf8.hpp"

#include <weir/engine/limits.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>

namespace weir {
namespace {

command_failure wrong(const std::string& what) {
  return {exit_code::usage, what};
}

}  // namespace

boost::system::result<ring_view, command_failure> read_ring(const boost::json::value& document) {
  ring_view read;
  read.settings.vnodes =
      static_cast<std::uint32_t>(std::clamp(number_of(document, "vnodes"), 0.0, 1.0 * max_vnodes));
  read.settings.bounded_load =
      std::clamp(number_of(document, "bounded_load"), 0.0, max_bounded_load);
  for (const auto& each : array_of(document, "nodes")) {
    const auto weight = std::clamp(number_of(each, "weight"), 0.0, 1.0 * max_weight);
    read.members.push_back(
        {text_of(each, "id"), 0, static_cast<std::uint32_t>(weight), text_of(each, "address")}
    );
    read.states[text_of(each, "id")] = text_of(each, "state");
  }
  read.members = sorted_by_id(std::move(read.members));
  auto fault = check_members(read.members, read.settings, max_view_members);
  if (fault.empty() && read.members.empty()) fault = "it has no nodes";
  if (!fault.empty())
    return command_failure{
        exit_code::failure, "the node's ring cannot be shown: " + printable(fault)};
  return read;
}

boost::system::result<ring_view, command_failure> simulated(
    const ring_view& now, const std::string& change
) {
  const auto equals = change.find('=');
  const auto kind = change.substr(0, equals);
  if (equals == std::string::npos || (kind != "add" && kind != "remove")) {
    return wrong("--simulate " + printable(change) + " is not add=ID or remove=ID");
  }
  auto id = change.substr(equals + 1);
  std::uint32_t weight = 1;
  if (const auto star = id.find('*'); kind == "add" && star != std::string::npos) {
    const auto* end = id.data() + id.size();
    const auto [stop, failed] = std::from_chars(id.data() + star + 1, end, weight);
    if (failed != std::errc() || stop != end || weight == 0 || weight > max_weight)
      return wrong(
          "the weight in --simulate add=ID*WEIGHT is a whole number from 1 to " +
          std::to_string(max_weight)
      );
    id.resize(star);
  }
  ring_view after = now;
  const auto has_id = [&](const member& each) { return each.id == id; };
  if (kind == "add" && !is_name(id))
    return wrong(
        "--simulate: \"" + printable(id) + "\" is no node id, 1 to " + std::to_string(max_name) +
        " of " + std::string(name_characters)
    );
  const bool is_there = std::any_of(now.members.begin(), now.members.end(), has_id);
  if (kind == "add") {
    if (is_there) return wrong("node " + printable(id) + " is in the ring already; add another id");
    after.members.push_back({id, 0, weight, ""});
  } else {
    if (!is_there) return wrong("node " + printable(id) + " is not in the ring; see `weir ring`");
    if (now.members.size() == 1)
      return wrong("node " + printable(id) + " is the only one; a ring needs one");
    std::erase_if(after.members, has_id);
  }
  after.members = sorted_by_id(std::move(after.members));
  const auto fault = check_members(after.members, after.settings, max_view_members);
  if (!fault.empty()) return wrong("that ring is not possible: " + printable(fault));
  return after;
}

}  // namespace weir
