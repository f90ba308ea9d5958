// weir members, keyspaces
#include "program/commands.hpp"
#include "program/json_reader.hpp"
#include "program/text_table.hpp"
#include "utf8.hpp"

#include <weir/transport/http_target.hpp>

#include <ostream>

namespace weir {
namespace {

namespace json = boost::json;
constexpr auto right = text_table::align::right;

/// A document as the node gave it, as one line.
void print_document(const node_answer& answer, const console& to) {
  to.out << answer.body;
  if (!answer.body.ends_with('\n')) to.out << '\n';
}

/// Gets one of the /cluster pages; prints the failure, or the page itself when JSON was asked for.
struct page {
  std::optional<json::value> document;  ///< to be shown as a table
  exit_code code = exit_code::ok;
};

page get_page(
    const command_line& line,
    const char* name,
    const char* target,
    const node_client& node,
    const console& to
) {
  const auto answer = node.send(http_method::get, target);
  if (!answer) return {{}, report(to, name, answer.error())};
  if (answer->status != 200)
    return {{}, report(to, name, failure_of(*answer, target, node.server()))};
  if (line.output == output_format::json) {
    print_document(*answer, to);
    return {};
  }
  auto document = document_of(*answer, node);
  if (!document) return {{}, report(to, name, document.error())};
  return {std::move(*document), exit_code::ok};
}

/// "refused, 18 min ago"
std::string failure_text(const json::value& of) {
  auto what = text_of(of, "last_failure");
  if (what.empty()) return what;
  return what + ", " + time_text(number_of(of, "last_failure_ms") * 1000) + " ago";
}

/// "same", or what differs: "pages.ttl, pages.writes"
std::string config_text(const json::value& of) {
  constexpr std::size_t most = 3;
  std::string out;
  std::size_t count = 0;
  for (const auto& each : array_of(of, "differences")) {
    if (++count > most) continue;
    out += (out.empty() ? "differs: " : ", ") + text_of(each, "keyspace");
    if (const auto field = text_of(each, "field"); field != "keyspace") out += '.' + field;
  }
  if (count > most) out += ", " + std::to_string(count - most) + " more";
  return count != 0 ? out : text_of(of, "config") == "same" ? "same" : "-";
}

/// "lease: valid, 2.6 s left, 3 of 3 members", or why there is none.
std::string lease_text(const json::value& lease) {
  if (!flag_of(lease, "valid")) {
    const auto why = text_of(lease, "why");
    return why.empty() ? "no lease" : printable(why);
  }
  if (flag_of(lease, "lone")) return "lease: none needed, a lone node";
  return "lease: valid, " + time_text(number_of(lease, "left_ms") * 1000) + " left, " +
         count_of(lease, "granted") + " of " + count_of(lease, "members") + " members";
}

/// What only an operator can end: members that nobody is left to agree about.
std::string stuck_text(const json::value& document) {
  const auto& lease = member_of(document, "lease");
  const auto members = number_of(lease, "members");
  if (flag_of(lease, "valid") || members < 2) return {};
  std::string gone;
  double reached = members;
  for (const auto& each : array_of(document, "members")) {
    const bool counts = flag_of(each, "in_ring") || text_of(each, "address").empty();
    if (!counts || text_of(each, "state") != "unreachable") continue;
    gone += (gone.empty() ? "" : ", ") + printable(text_of(each, "id"));
    --reached;
  }
  if (gone.empty() || reached * 2 > members) return {};
  return "without a majority nobody can take " + gone +
         " off the ring; gone for good? weir members forget ID";
}

/// "source of users failing for 12 s, 37 times: connection refused"; empty while it answers.
std::string source_text(const json::value& keyspace) {
  const auto& source = member_of(keyspace, "source");
  if (!flag_of(source, "failing")) return {};
  return "source of " + printable(text_of(keyspace, "name")) + " failing for " +
         time_text(number_of(source, "since_ms") * 1000) + ", " + count_of(source, "failures") +
         " times: " + printable(text_of(source, "words"));
}

/// "feed of users stale for 12 s: connection refused"; empty while it lives and where there is none.
std::string feed_text(const json::value& keyspace) {
  const auto& feed = member_of(keyspace, "feed");
  const auto state = text_of(feed, "state");
  if (state.empty() || state == "live") return {};
  const auto words = printable(text_of(feed, "words"));
  return "feed of " + printable(text_of(keyspace, "name")) + ' ' + printable(state) + " for " +
         time_text(number_of(feed, "since_ms") * 1000) + (words.empty() ? "" : ": " + words) +
         "; reads go to the source";
}

}  // namespace

exit_code run_members(const command_line& line, const node_client& node, const console& to) {
  const auto got = get_page(line, "members", "/cluster/members", node, to);
  if (!got.document) return got.code;
  const auto& lease = member_of(*got.document, "lease");
  if (lease.is_object()) {
    const bool is_valid = flag_of(lease, "valid");
    to.out << tinted(to, is_valid ? tint::good : tint::bad, lease_text(lease)) << '\n';
  }
  text_table table(
      {{"id"},
       {"address"},
       {"state"},
       {"ring"},
       {"lease"},
       {"feed lag", right},
       {"weight", right},
       {"rtt", right},
       {"since", right},
       {"config"},
       {"last failure"}}
  );
  for (const auto& each : array_of(*got.document, "members")) {
    const bool is_self = flag_of(each, "self");
    const auto id = text_of(each, "id");
    table.add({
        id.empty() ? "?" : id,
        text_of(each, "address"),
        is_self && text_of(each, "state") == "reachable" ? "self" : text_of(each, "state"),
        flag_of(each, "in_ring") ? "yes" : "no",
        is_self                     ? "-"
        : flag_of(each, "granting") ? "granting"
                                    : "no",
        is_self ? "-" : count_of(each, "feed_lag"),
        count_of(each, "weight"),
        is_self ? "-" : time_text(number_of(each, "rtt_ms") * 1000),
        is_self ? "-" : time_text(number_of(each, "since_ms") * 1000),
        is_self ? "-" : config_text(each),
        failure_text(each),
    });
  }
  table.print(to);
  if (const auto stuck = stuck_text(*got.document); !stuck.empty()) to.out << stuck << '\n';
  return exit_code::ok;
}

exit_code run_forget(const command_line& line, const node_client& node, const console& to) {
  const auto target = "/cluster/members?forget=" + encode_path_segment(line.member);
  const auto answer = node.send(http_method::post, target);
  if (!answer) return report(to, "members forget", answer.error());
  if (answer->status != 200) {
    auto failure = failure_of(*answer, line.member, node.server());
    if (failure.code == exit_code::not_found) failure.code = exit_code::failure;  // 5 is for keys
    return report(to, "members forget", failure);
  }
  if (line.output == output_format::json) {
    print_document(*answer, to);
  } else {
    to.out << "forgotten: " << printable(line.member)
           << " counts no more; if it still runs anywhere, stop it\n";
  }
  return exit_code::ok;
}

exit_code run_keyspaces(const command_line& line, const node_client& node, const console& to) {
  const auto got = get_page(line, "keyspaces", "/cluster/keyspaces", node, to);
  if (!got.document) return got.code;
  text_table table(
      {{"name"},
       {"ttl", right},
       {"negative", right},
       {"memory", right},
       {"limit", right},
       {"entries", right},
       {"consistency"},
       {"writes"}}
  );
  for (const auto& each : array_of(*got.document, "keyspaces")) {
    const auto& options = member_of(each, "options");
    const auto& stats = member_of(each, "stats");
    table.add({
        text_of(each, "name"),
        time_text(number_of(options, "ttl_ms") * 1000),
        time_text(number_of(options, "negative_ttl_ms") * 1000),
        size_text(number_of(stats, "bytes")),
        size_text(number_of(options, "max_memory")),
        count_of(stats, "entries"),
        text_of(options, "consistency"),
        text_of(options, "writes"),
    });
  }
  table.print(to);
  for (const auto& each : array_of(*got.document, "keyspaces")) {
    for (const auto& line : {source_text(each), feed_text(each)}) {
      if (!line.empty()) to.out << tinted(to, tint::bad, line) << '\n';
    }
  }
  return exit_code::ok;
}

}  // namespace weir
