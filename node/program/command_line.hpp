#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir {

/// Exit codes of the program; scripts rely on them.
enum class exit_code : int {
  ok = 0,
  failure = 1,
  usage = 2,
  bad_configuration = 3,
  cannot_bind = 4,
  not_found = 5,
  unreachable = 6,  ///< the cluster could not be reached, or timed out
  partial = 7,      ///< a change that not every node has confirmed
};

/// "weir 0.1.0 (1a2b3c4)"
std::string version_line();

enum class verb {
  serve,
  demo,
  get,
  mget,
  put,
  del,
  invalidate,
  clear,
  owner,
  keys,
  ring,
  members,
  forget,
  keyspaces,
  stats,
  health,
  reload,
  drain,
  version,
  config_check,
  config_schema,
  config_sql,
  config_show,
};

enum class output_format { table, json };

/// What the words after `weir` ask for. Fields that the verb does not use keep their defaults.
struct command_line {
  verb command = verb::version;
  std::string server;  ///< "http://127.0.0.1:7421"
  std::string ca;      ///< PEM file that an https server is checked against; "" = the system's
  std::string token;   ///< of WEIR_TOKEN; never among the words
  output_format output = output_format::table;
  std::chrono::milliseconds timeout{5000};

  std::string keyspace;
  std::vector<std::string> keys;  ///< one, or several where the verb takes several
  std::string value = "-";        ///< of put; "-" = read it from stdin
  std::optional<std::chrono::milliseconds>
      wait;                 ///< of health: at most this long, until ready and leased
  bool settled = false;     ///< of health: whether the next node of a rollout may go down
  std::size_t limit = 100;  ///< of keys
  bool explain = false;
  bool fresh = false;
  bool raw = false;
  bool meta = false;
  std::optional<std::string> if_match;
  std::optional<std::string> ttl;
  std::optional<std::string> simulate;             ///< "add=ID" or "remove=ID"
  std::string member;                              ///< of forget
  bool all_nodes = false;                          ///< stats --all
  std::optional<std::chrono::milliseconds> watch;  ///< stats --watch: again after so long

  std::vector<std::string> files;
  std::vector<std::string> sets;
  bool check_only = false;  ///< serve --check-config
  bool opens = false;       ///< config check --open
  bool print_only = false;  ///< serve --print-config
  bool once = false;        ///< demo --once
};

/// A command to run, or what to print instead and the code to end with.
struct parsed_command_line {
  std::optional<command_line> command;
  exit_code code = exit_code::ok;
  std::string out;  ///< for stdout: help
  std::string err;  ///< for stderr: one line that says what is wrong
};

/// Reads the words after the program's name. `variable` looks up environment variables
/// (WEIR_SERVER).
parsed_command_line parse_command_line(
    std::vector<std::string> words,
    const std::function<std::optional<std::string>(std::string_view)>& variable
);

}  // namespace weir
