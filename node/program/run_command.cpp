#include "program/commands.hpp"

namespace weir {
namespace {

exit_code run_remote(const command_line& line, const node_client& node, const console& to) {
  switch (line.command) {
    case verb::get:
      return run_get(line, node, to);
    case verb::mget:
      return run_mget(line, node, to);
    case verb::put:
      return run_put(line, node, to);
    case verb::del:
      return run_del(line, node, to);
    case verb::invalidate:
      return run_invalidate(line, node, to);
    case verb::clear:
      return run_clear(line, node, to);
    case verb::owner:
      return run_owner(line, node, to);
    case verb::keys:
      return run_keys(line, node, to);
    case verb::ring:
      return run_ring(line, node, to);
    case verb::members:
      return run_members(line, node, to);
    case verb::forget:
      return run_forget(line, node, to);
    case verb::keyspaces:
      return run_keyspaces(line, node, to);
    case verb::stats:
      return run_stats(line, node, to);
    case verb::reload:
      return run_reload(line, node, to);
    case verb::drain:
      return run_drain(line, node, to);
    default:
      return run_health(line, node, to);
  }
}

}  // namespace

exit_code run_command(
    const command_line& line, const node_client::fetcher& fetch, const console& to
) {
  switch (line.command) {
    case verb::serve:
      return run_serve(line, to);
    case verb::demo:
      return run_demo(line, to);
    case verb::version:
      return run_version(line, to);
    case verb::config_check:
      return run_config_check(line, to);
    case verb::config_show:
      return run_config_show(line, to);
    case verb::config_schema:
      return run_config_schema(to);
    case verb::config_sql:
      return run_config_sql(line, to);
    default:
      break;
  }
  return run_remote(line, node_client(line.server, line.timeout, fetch, line.token), to);
}

}  // namespace weir
