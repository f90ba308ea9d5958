// weir reload, drain
#include "program/commands.hpp"
#include "program/json_reader.hpp"
#include "utf8.hpp"

#include <ostream>

namespace weir {
namespace {

/// Asks the node for something that it answers when it is done.
exit_code ask(
    const command_line& line,
    const char* command,
    const char* target,
    const node_client& node,
    const console& to
) {
  const auto answer = node.send(http_method::post, target);
  if (!answer) return report(to, command, answer.error());
  if (answer->status != 200) return report(to, command, failure_of(*answer, target, node.server()));
  if (line.output == output_format::json) {
    to.out << answer->body;
    return exit_code::ok;
  }
  const auto document = document_of(*answer, node);
  if (!document) return report(to, command, document.error());
  to.out << command << "ed: " << printable(text_of(*document, "detail")) << '\n';
  return exit_code::ok;
}

}  // namespace

exit_code run_reload(const command_line& line, const node_client& node, const console& to) {
  return ask(line, "reload", "/cluster/reload", node, to);
}

exit_code run_drain(const command_line& line, const node_client& node, const console& to) {
  return ask(line, "drain", "/cluster/drain", node, to);
}

}  // namespace weir
