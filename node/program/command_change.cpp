// weir put, del, invalidate, clear
#include "program/batch_body.hpp"
#include "program/commands.hpp"
#include "program/json_reader.hpp"
#include "utf8.hpp"

#include <weir/engine/limits.hpp>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <istream>
#include <iterator>
#include <ostream>
#include <span>

namespace weir {
namespace {

namespace json = boost::json;

/// Prints what a change did: its version, and who has not confirmed it.
exit_code print_change(
    const command_line& line, const node_answer& answer, std::string_view done, const console& to
) {
  const auto code = answer.status == 202 ? exit_code::partial : exit_code::ok;
  json::object out{{"outcome", answer.status == 202 ? "partial" : "ok"}};
  std::string version;
  if (const auto etag = answer.header("ETag")) {
    version = *etag;
    std::erase(version, '"');
    out["version"] = version;
  }
  if (const auto stored = answer.header("Weir-Stored")) out["stored"] = printable(*stored);
  std::string missing;
  if (answer.status == 202) {
    error_code failed;
    const auto body = json::parse(answer.body, failed);
    for (const auto& each : array_of(body, "nodes")) {
      if (!each.is_string()) continue;
      missing += (missing.empty() ? "" : ", ") + printable(each.get_string());
    }
    out["nodes"] = member_of(body, "nodes");
    out["bound_ms"] = member_of(body, "bound_ms");
  }
  if (line.output == output_format::json) {
    to.out << json::serialize(out) << '\n';
    return code;
  }
  to.out << done;
  if (!version.empty()) to.out << ", version " << printable(version);
  if (!missing.empty()) {
    to.out << tinted(to, tint::bad, ", not confirmed by " + missing) << " (bound "
           << json::serialize(out["bound_ms"]) << " ms)";
  }
  to.out << '\n';
  return code;
}

exit_code change(
    const command_line& line,
    const char* name,
    const std::string& what,
    std::string_view done,
    const boost::system::result<node_answer, command_failure>& answer,
    const node_client& node,
    const console& to
) {
  if (!answer) return report(to, name, answer.error());
  if (answer->status >= 400) return report(to, name, failure_of(*answer, what, node.server()));
  return print_change(line, *answer, done, to);
}

std::string keyspace_target(const std::string& keyspace) {
  auto target = data_target(keyspace, "");
  target.pop_back();
  return target;
}

node_client::fields match_fields(const command_line& line) {
  if (!line.if_match) return {};
  std::string bare = *line.if_match;
  std::erase(bare, '"');
  return {{"If-Match", '"' + bare + '"'}};
}

/// "a*" is the name of a key, too; who writes it may have meant more.
void warn_of_pattern(const std::string& key, const console& to) {
  if (!key.ends_with('*')) return;
  to.err << "weir invalidate: note: " << printable(key)
         << " is taken as one key; there are no patterns, see weir clear\n";
}

/// In as many requests as it takes; the last answer, or the first that is partial or bad, is shown.
exit_code invalidate_many(const command_line& line, const node_client& node, const console& to) {
  const auto target = keyspace_target(line.keyspace) + "?purge";
  std::size_t sent = 0;
  while (true) {
    const auto batch = std::span<const std::string>(line.keys).subspan(sent).first(
        std::min(line.keys.size() - sent, max_batch_keys)
    );
    const auto answer = node.send(http_method::post, target, batch_body(batch));
    sent += batch.size();
    if (answer && answer->status == 200 && sent != line.keys.size()) continue;
    auto done = "invalidated " + std::to_string(sent);
    if (sent != line.keys.size()) done += " of " + std::to_string(line.keys.size());
    return change(line, "invalidate", line.keyspace, done + " keys", answer, node, to);
  }
}

}  // namespace

exit_code run_put(const command_line& line, const node_client& node, const console& to) {
  const auto& key = line.keys.front();
  auto value = line.value;
  if (value == "-") value.assign(std::istreambuf_iterator<char>(to.in), {});
  auto target = data_target(line.keyspace, key);
  if (line.ttl) target += "?ttl=" + *line.ttl;
  const auto answer = node.send(http_method::put, target, value, match_fields(line));
  return change(line, "put", line.keyspace + '/' + key, "stored", answer, node, to);
}

exit_code run_del(const command_line& line, const node_client& node, const console& to) {
  const auto& key = line.keys.front();
  const auto answer = node.send(http_method::delete_, data_target(line.keyspace, key));
  return change(
      line, "del", line.keyspace + '/' + key, "removed: the key is absent now", answer, node, to
  );
}

exit_code run_invalidate(const command_line& line, const node_client& node, const console& to) {
  for (const auto& each : line.keys) warn_of_pattern(each, to);
  if (line.keys.size() == 1) {
    const auto& key = line.keys.front();
    const auto answer = node.send(http_method::purge, data_target(line.keyspace, key));
    return change(line, "invalidate", line.keyspace + '/' + key, "invalidated", answer, node, to);
  }
  return invalidate_many(line, node, to);
}

exit_code run_clear(const command_line& line, const node_client& node, const console& to) {
  const auto target = keyspace_target(line.keyspace) + "?purge";
  const auto answer = node.send(http_method::post, target, R"({"all": true})");
  return change(line, "clear", line.keyspace, "cleared", answer, node, to);
}

}  // namespace weir
