#include "command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

namespace weir {
namespace {

constexpr auto default_server = "http://127.0.0.1:7421";

/// Builds the tree of commands; every leaf notes its verb.
class command_tree {
 public:
  explicit command_tree(command_line& into)
      : into_(into), app_("A read-through distributed cache.") {
    app_.name("weir");
    app_.require_subcommand(1);
    app_.footer(
        "Example: weir serve -c weir.yaml, then weir get users 42\n"
        "Exit codes: 0 ok, 1 failure, 2 usage, 3 invalid configuration, 4 cannot bind,\n"
        "5 key not found, 6 cluster unreachable or timed out."
    );
    add_node_commands();
    add_data_commands();
    add_cluster_commands();
    add_config_commands();
  }

  CLI::App& app() { return app_; }

  /// The only key of a command that takes one.
  const std::optional<std::string>& key() const { return key_; }

 private:
  CLI::App* add(
      CLI::App& to, const char* name, verb command, const char* what, const char* example
  ) {
    auto* made = to.add_subcommand(name, what);
    made->footer(std::string("Example: ") + example);
    made->callback([this, command, made] {
      if (made->get_subcommands().empty()) into_.command = command;  // else the leaf has said it
    });
    return made;
  }

  CLI::App* add_client(const char* name, verb command, const char* what, const char* example) {
    auto* made = add(app_, name, command, what, example);
    made->add_option("--server", into_.server, "Node to ask, or WEIR_SERVER")->type_name("URL");
    made->add_option("--ca", into_.ca, "Authorities of an https node, or WEIR_CA")
        ->type_name("FILE");
    made->add_option("-o,--output", into_.output, "table or json")
        ->transform(CLI::CheckedTransformer(std::map<std::string, output_format>{
            {"table", output_format::table}, {"json", output_format::json}}))
        ->type_name("FORMAT")
        ->option_text("table|json");
    made->add_option("--timeout", into_.timeout, "Longest wait, such as 250ms")->type_name("TIME");
    return made;
  }

  CLI::Option* add_keyspace(CLI::App* to) {
    return to->add_option("KS", into_.keyspace, "Keyspace")->required();
  }

  void add_key(CLI::App* to) {
    add_keyspace(to);
    to->add_option("KEY", key_, "Key")->required();
  }

  void add_keys(CLI::App* to) {
    add_keyspace(to);
    to->add_option("KEY", into_.keys, "Keys")->required()->expected(1, 1000);
  }

  void add_node_commands() {
    auto* serve =
        add(app_, "serve", verb::serve, "Run a node", "weir serve -c weir.yaml --set node.id=n2");
    serve->add_option("-c,--config", into_.files, "Configuration file; later ones win")
        ->type_name("FILE")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
    add_sets(serve);
    serve->add_flag("--check-config", into_.check_only, "Check the configuration and end");
    serve->add_flag(
        "--print-config", into_.print_only, "Print the configuration, defaults filled in, and end"
    );
    auto* demo =
        add(app_,
            "demo",
            verb::demo,
            "Three nodes in this process over a slow source, to look around",
            "weir demo");
    demo->add_flag("--once", into_.once, "End after the show instead of waiting for Ctrl-C");
  }

  void add_data_commands() {
    auto* get = add_client(
        "get",
        verb::get,
        "Print the value of a key, exactly as stored",
        "weir get users 42 --explain"
    );
    add_key(get);
    get->add_flag("--explain", into_.explain, "Show every step and its time instead of the value");
    get->add_flag("--meta", into_.meta, "Show version, age and origin too, on stderr");
    add_keys(add_client("mget", verb::mget, "Print several keys", "weir mget users 42 43"));
    auto* put = add_client(
        "put",
        verb::put,
        "Set the value of a key; the keyspace must have writes: allow",
        "echo Ada | weir put users 42 -"
    );
    add_key(put);
    put->add_option("VALUE", into_.value, "Value; - or nothing = read it from stdin");
    put->add_option("--if-match", into_.if_match, "Only if the key still has this version")
        ->type_name("VERSION");
    put->add_option("--ttl", into_.ttl, "How long it may be served, such as 30s")
        ->type_name("TIME");
    add_key(add_client(
        "del", verb::del, "Remove a key; the keyspace must have writes: allow", "weir del users 42"
    ));
    add_keys(add_client(
        "invalidate",
        verb::invalidate,
        "Drop keys everywhere: the next read loads again",
        "weir invalidate users 42 43"
    ));
    add_keyspace(
        add_client("clear", verb::clear, "Drop every entry of a keyspace", "weir clear users")
    );
    add_key(add_client("owner", verb::owner, "Show which node keeps a key", "weir owner users 42"));
  }

  void add_cluster_commands() {
    auto* ring = add_client(
        "ring", verb::ring, "Show how the keys are spread", "weir ring --simulate add=n4"
    );
    ring->add_option("--simulate", into_.simulate, "What would move: add=ID or remove=ID")
        ->type_name("CHANGE");
    auto* members = add_client(
        "members", verb::members, "Show the nodes as one of them sees them", "weir members"
    );
    auto* forget =
        add(*members,
            "forget",
            verb::forget,
            "Let the cluster go on without a member that is gone for good",
            "weir members forget n3");
    forget->add_option("ID", into_.member, "Member that will never come back")->required();
    forget->fallthrough();  // --server after ID as well
    add_client(
        "keyspaces", verb::keyspaces, "Show the keyspaces of a node", "weir keyspaces -o json"
    );
    add_client("stats", verb::stats, "Show what the keyspaces of a node did", "weir stats");
    add_client("health", verb::health, "Show whether a node is alive and ready", "weir health");
    add_client("version", verb::version, "Show the version of this program", "weir version");
  }

  void add_config_commands() {
    auto* config = app_.add_subcommand("config", "Check and show configurations");
    config->require_subcommand(1);
    config->footer("Example: weir config check weir.yaml");
    auto* check =
        add(*config,
            "check",
            verb::config_check,
            "Report every mistake in files",
            "weir config check weir.yaml");
    auto* show =
        add(*config,
            "show",
            verb::config_show,
            "Print files with every default filled in",
            "weir config show weir.yaml");
    add(*config,
        "schema",
        verb::config_schema,
        "Print the JSON Schema for editors",
        "weir config schema > weir.schema.json");
    for (auto* each : {check, show}) {
      each->add_option("FILE", into_.files, "Files; later ones win")->required();
      add_sets(each);
    }
  }

  void add_sets(CLI::App* to) {
    to->add_option("--set", into_.sets, "Overrides one setting, such as node.id=n2")
        ->type_name("PATH=VALUE")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }

  command_line& into_;
  std::optional<std::string> key_;
  CLI::App app_;
};

std::string path_of(const CLI::App& app) {
  std::string path = "weir";
  const CLI::App* at = &app;
  while (!at->get_subcommands().empty()) {
    at = at->get_subcommands().front();
    path += ' ' + at->get_name();
  }
  return path;
}

parsed_command_line usage_error(const std::string& path, std::string what) {
  std::replace(what.begin(), what.end(), '\n', ' ');
  while (!what.empty() && (what.back() == '.' || what.back() == ' ')) what.pop_back();
  return {
      .command = {},
      .code = exit_code::usage,
      .out = {},
      .err = path + ": " + what + "; see " + path + " --help\n"};
}

bool takes_client_options(verb command) {
  return command >= verb::get && command <= verb::version;
}

}  // namespace

parsed_command_line parse_command_line(
    std::vector<std::string> words,
    const std::function<std::optional<std::string>(std::string_view)>& variable
) {
  command_line read;
  command_tree tree(read);
  auto& app = tree.app();
  std::reverse(words.begin(), words.end());  // CLI11 takes them last first
  try {
    app.parse(std::move(words));
  } catch (const CLI::Success& asked) {  // --help
    std::ostringstream out;
    std::ostringstream err;
    app.exit(asked, out, err);
    return {.command = {}, .code = exit_code::ok, .out = out.str(), .err = {}};
  } catch (const CLI::ParseError& wrong) {
    return usage_error(path_of(app), wrong.what());
  }
  if (takes_client_options(read.command) && read.server.empty()) {
    read.server = variable("WEIR_SERVER").value_or("");
    if (read.server.empty()) read.server = default_server;
  }
  if (takes_client_options(read.command)) {
    if (read.ca.empty()) read.ca = variable("WEIR_CA").value_or("");
    read.token = variable("WEIR_TOKEN").value_or("");
  }
  if (tree.key()) read.keys = {*tree.key()};
  return {.command = std::move(read), .out = {}, .err = {}};
}

}  // namespace weir
