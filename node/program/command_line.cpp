#include "program/command_line.hpp"

#include "program/node_client.hpp"
#include "program/usage_error.hpp"
#include "utf8.hpp"
#include "version.hpp"

#include <weir/engine/limits.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

namespace weir {
namespace {

constexpr auto default_server = "http://127.0.0.1:7421";

struct time_limit {
  milliseconds most;
  const char* text;
};

constexpr time_limit longest_wait{std::chrono::minutes(5), "5m at most"};
// A reload opens sources, a drain waits for requests in flight.
constexpr std::chrono::seconds wait_of_admins{60};
constexpr time_limit longest_ttl{std::chrono::hours(30 * 24), "30d at most"};

milliseconds time_of(const char* option, const std::string& text, const time_limit& limit) {
  const auto shown = in_quotes(text);
  const auto time = parse_time(text);
  if (!time)
    throw CLI::ValidationError(option, shown + " is not a time; write it like 250ms or 30s");
  if (time->count() == 0) throw CLI::ValidationError(option, shown + " is too short; 1ms at least");
  if (*time > limit.most) throw CLI::ValidationError(option, shown + " is too long; " + limit.text);
  return *time;
}

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
        "5 key not found, 6 cluster unreachable or timed out, 7 a change is partial."
    );
    app_.set_version_flag("-V,-v,--version", version_line());
    app_.get_formatter()->column_width(help_indent);
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
    made->add_option(
            "--server",
            into_.server,
            std::string("Node to ask; else WEIR_SERVER, else ") + default_server
    )
        ->type_name("URL");
    made->add_option(
            "--ca", into_.ca, "Authorities (PEM) of an https node; else WEIR_CA, else the system's"
    )
        ->type_name("FILE");
    made->add_option_function<std::string>(
            "-o,--output",
            [this](const std::string& text) { into_.output = format_of(text); },
            "For people (table, the default), or one JSON document"
    )
        ->option_text("table|json");
    made->add_option_function<std::string>(
            "--timeout",
            [this](const std::string& text) {
              into_.timeout = time_of("--timeout", text, longest_wait);
            },
            "Longest wait, 1ms to 5m; default 5s (reload and drain: 60s)"
    )
        ->type_name("TIME");
    return made;
  }

  void add_admin(const char* name, verb command, const char* what, const char* example) {
    auto* made = add_client(name, command, what, example);
    made->preparse_callback([this](std::size_t) { into_.timeout = wait_of_admins; });
  }

  static output_format format_of(const std::string& text) {
    if (text == "table") return output_format::table;
    if (text == "json") return output_format::json;
    throw CLI::ValidationError("-o", in_quotes(text) + " is neither table nor json");
  }

  CLI::Option* add_keyspace(CLI::App* to) {
    return to->add_option("KS", into_.keyspace, "Keyspace, as `weir keyspaces` lists them")
        ->required();
  }

  void add_key(CLI::App* to) {
    add_keyspace(to);
    to->add_option("KEY", key_, "Key of 1 to 512 bytes (max_key of the keyspace)")->required();
  }

  void add_keys(CLI::App* to) {
    add_keyspace(to);
    to->add_option("KEY", into_.keys, "Keys of 1 to 512 bytes (max_key) each")
        ->required()
        ->expected(-1);
  }

  void add_node_commands() {
    auto* serve =
        add(app_, "serve", verb::serve, "Run a node", "weir serve -c weir.yaml --set node.id=n2");
    add_files(serve);
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
    get->add_flag("--explain", into_.explain, "Show every step and its time instead");
    get->add_flag("--fresh", into_.fresh, "Load it again before; other nodes are not waited for");
    get->add_flag("--raw", into_.raw, "As stored, at a terminal too: it may hold control codes");
    get->add_flag("--meta", into_.meta, "Version, age and origin too, on stderr");
    add_keys(add_client("mget", verb::mget, "Print several keys", "weir mget users 42 43"));
    auto* put = add_client(
        "put",
        verb::put,
        "Set the value of a key; the keyspace must have writes: allow",
        "echo Ada | weir put users 42 -"
    );
    add_key(put);
    put->add_option(
        "VALUE",
        into_.value,
        "Value, 1 MiB at most (max_entry of the keyspace); - or nothing = read it from stdin"
    );
    put->add_option(
           "--if-match",
           into_.if_match,
           "Only if the key still has this version, such as 4dfc6a57-2, from --meta or -o json"
    )
        ->type_name("VERSION");
    put->add_option_function<std::string>(
           "--ttl",
           [this](const std::string& text) {
             time_of("--ttl", text, longest_ttl);
             into_.ttl = text;
           },
           "How long it may be served, 1ms to 30d, such as 30s; default: the keyspace's"
    )
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
    add_keys(
        add_client("owner", verb::owner, "Show which nodes keep keys", "weir owner users 42 43")
    );
    auto* keys = add_client(
        "keys", verb::keys, "List keys that one node keeps", "weir keys users --limit 20"
    );
    add_keyspace(keys);
    keys->add_option(
            "--limit",
            into_.limit,
            "At most so many, 1 to " + std::to_string(max_listed_keys) + "; default 100"
    )
        ->check(CLI::Range(std::size_t{1}, max_listed_keys))
        ->type_name("N");
  }

  void add_cluster_commands() {
    auto* ring = add_client(
        "ring", verb::ring, "Show how the keys are spread", "weir ring --simulate add=n4"
    );
    ring->add_option(
            "--simulate",
            into_.simulate,
            "What would move: add=ID, add=ID*WEIGHT (1 to " + std::to_string(max_weight) +
                ") or remove=ID"
    )
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
    forget->footer(
        "Takes the options of `weir members`, too.\n\nExample: weir members forget n3 --server "
        "http://10.0.0.1:7421"
    );
    forget->add_option("ID", into_.member, "Member that will never come back")
        ->required()
        ->check([](const std::string& id) {
          return id.empty() ? std::string("an empty id is no member's") : std::string();
        });
    forget->fallthrough();  // --server after ID as well
    add_client(
        "keyspaces", verb::keyspaces, "Show the keyspaces of a node", "weir keyspaces -o json"
    );
    auto* stats = add_client(
        "stats", verb::stats, "Show what the keyspaces did", "weir stats users --all --watch 1s"
    );
    stats->add_option("KS", into_.keyspace, "Only this keyspace, and its reads by what answered");
    stats->add_flag("--all", into_.all_nodes, "All nodes together, not only the one that is asked");
    stats
        ->add_option_function<std::string>(
            "--watch",
            [this](const std::string& text) {
              into_.watch = time_of("--watch", text, longest_wait);
            },
            "Show it again after TIME, 1ms to 5m, until Ctrl-C"
        )
        ->type_name("TIME");
    auto* health = add_client(
        "health", verb::health, "Show whether a node is alive and ready", "weir health --wait 10s"
    );
    health
        ->add_option_function<std::string>(
            "--wait",
            [this](const std::string& text) { into_.wait = time_of("--wait", text, longest_wait); },
            "Wait so long at most until it is ready and has a lease"
        )
        ->type_name("TIME");
    health->add_flag(
        "--settled",
        into_.settled,
        "Ask whether it has had a lease and its keys since its start; with --wait, wait for that"
    );
    add_admin(
        "reload",
        verb::reload,
        "Let a node read its configuration again; exit 1 if it refuses",
        "weir reload"
    );
    add_admin(
        "drain",
        verb::drain,
        "Take a node out of the cluster gently, and end it",
        "weir drain --server URL"
    );
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
    auto* sql =
        add(*config,
            "sql",
            verb::config_sql,
            "Print the SQL that makes the database of a keyspace tell of its changes",
            "weir config sql users -c weir.yaml | psql app");
    add_keyspace(sql);
    add_files(sql)->required();
    add_sets(sql);
    check->add_flag(
        "--open", into_.opens, "Open the sources too, read-only, and look up the names of hosts"
    );
    for (auto* each : {check, show}) {
      each->add_option("FILE", into_.files, "Files; later ones win")->required();
      add_sets(each);
    }
  }

  CLI::Option* add_files(CLI::App* to) {
    return to
        ->add_option(
            "-c,--config", into_.files, "Configuration file, YAML, 1 MiB at most; later ones win"
        )
        ->type_name("FILE")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }

  void add_sets(CLI::App* to) {
    to->add_option(
          "--set", into_.sets, "Overrides one setting, such as node.id=n2; may be repeated"
    )
        ->type_name("PATH=VALUE")
        ->expected(1)
        ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  }

  command_line& into_;
  std::optional<std::string> key_;
  CLI::App app_;
};

/// "http://host:7421/v1": somebody copied the address of a key.
bool has_path(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == url.npos) return false;
  const auto path = url.find('/', scheme + 3);
  return path != url.npos && url.find_first_not_of('/', path) != url.npos;
}

bool takes_client_options(verb command) {
  return command >= verb::get && command <= verb::version;
}

}  // namespace

std::string version_line() {
  std::string out = std::string("weir ") + version_text;
  if (*revision_text != '\0') out += std::string(" (") + revision_text + ')';
  return out;
}

parsed_command_line parse_command_line(
    std::vector<std::string> words,
    const std::function<std::optional<std::string>(std::string_view)>& variable
) {
  command_line read;
  command_tree tree(read);
  auto& app = tree.app();
  const bool has_words = !words.empty();
  if (has_words && words.front() == "help") {
    words.erase(words.begin());
    words.emplace_back("--help");
  }
  std::reverse(words.begin(), words.end());  // CLI11 takes them last first
  try {
    app.parse(std::move(words));
  } catch (const CLI::Success& asked) {  // --help
    std::ostringstream out;
    std::ostringstream err;
    app.exit(asked, out, err);
    return {.command = {}, .code = exit_code::ok, .out = wrapped_help(out.str()), .err = {}};
  } catch (const CLI::ParseError& wrong) {
    if (!has_words)
      return {.command = {}, .code = exit_code::usage, .out = {}, .err = wrapped_help(app.help())};
    return usage_error(app, wrong);
  }
  if (takes_client_options(read.command) && read.server.empty()) {
    read.server = variable("WEIR_SERVER").value_or("");
    if (read.server.empty()) read.server = default_server;
  }
  if (takes_client_options(read.command)) {
    if (read.ca.empty()) read.ca = variable("WEIR_CA").value_or("");
    read.token = variable("WEIR_TOKEN").value_or("");
    while (read.token.ends_with('\n') || read.token.ends_with('\r')) read.token.pop_back();
    if (has_path(read.server)) {
      return usage_error(
          reached_in(app).path,
          in_quotes(read.server) + " has a path; --server is only http://HOST:PORT"
      );
    }
  }
  if (tree.key()) read.keys = {*tree.key()};
  return {.command = std::move(read), .out = {}, .err = {}};
}

}  // namespace weir
