#pragma once

#include "program/command_line.hpp"
#include "program/console.hpp"
#include "program/node_client.hpp"

#include <weir/config/settings.hpp>

namespace weir {

// One function per command; each prints on the console and returns the code to end with.

// Data, through a node's HTTP door.
exit_code run_get(const command_line& line, const node_client& node, const console& to);
exit_code run_mget(const command_line& line, const node_client& node, const console& to);
exit_code run_put(const command_line& line, const node_client& node, const console& to);
exit_code run_del(const command_line& line, const node_client& node, const console& to);
exit_code run_invalidate(const command_line& line, const node_client& node, const console& to);
exit_code run_clear(const command_line& line, const node_client& node, const console& to);

// The cluster, as one node sees it.
exit_code run_owner(const command_line& line, const node_client& node, const console& to);
exit_code run_keys(const command_line& line, const node_client& node, const console& to);
exit_code run_ring(const command_line& line, const node_client& node, const console& to);
exit_code run_members(const command_line& line, const node_client& node, const console& to);
exit_code run_forget(const command_line& line, const node_client& node, const console& to);
exit_code run_keyspaces(const command_line& line, const node_client& node, const console& to);
exit_code run_stats(const command_line& line, const node_client& node, const console& to);
exit_code run_health(const command_line& line, const node_client& node, const console& to);
exit_code run_reload(const command_line& line, const node_client& node, const console& to);
exit_code run_drain(const command_line& line, const node_client& node, const console& to);
exit_code run_version(const command_line& line, const console& to);

// Configuration files.
exit_code run_config_check(const command_line& line, const console& to);
exit_code run_config_show(const command_line& line, const console& to);
exit_code run_config_schema(const console& to);
exit_code run_config_sql(const command_line& line, const console& to);

/// "ok: 2 keyspaces, cluster demo"
std::string summary_of(const config::settings& valid);

// Nodes in this process.
exit_code run_serve(const command_line& line, const console& to);
exit_code run_demo(const command_line& line, const console& to);

/// Runs the command of `line`.
exit_code run_command(
    const command_line& line, const node_client::fetcher& fetch, const console& to
);

}  // namespace weir
