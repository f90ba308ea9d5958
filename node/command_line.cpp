#include "command_line.hpp"

#include "node_client.hpp"
#include "utf8.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <sstream>

namespace weir {
namespace {

constexpr auto default_server = "http://127.0.0.1:7421";
constexpr std::size_t most_keys = 1000;

struct time_limit {
  milliseconds most;
  const char* text;
};

constexpr time_limit longest_wait{std::chrono::minutes(5), "5m at most"};
// A reload opens sources, a drain waits for requests in flight.
constexpr std::chrono::seconds wait_of_admins{60};
constexpr time_limit longest_ttl{std::chrono::hours(30 * 24), "30d at most"};

milliseconds time_of(const char* option, const std::string& text, const time_limit& limit) {
  const auto quoted = '"' + printable(text) + '"';
  const auto time = parse_time(text);
  if (!time)
    throw CLI::ValidationError(option, quoted + " is not a time; write it like 250ms or 30s");
  if (time->count() == 0)
    throw CLI::ValidationError(option, quoted + " is too short; 1ms at least");
  if (*time > limit.most)
    throw CLI::ValidationError(option, quoted + " is too long; " + limit.text);
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
    throw CLI::ValidationError("-o", '"' + printable(text) + "\" is neither table nor json");
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
    to->add_option("KEY", into_.keys, "Keys, 1 to 1000, of 1 to 512 bytes (max_key) each")
        ->required()
        ->expected(-1);
  }

  void add_node_commands() {
    auto* serve =
        add(app_, "serve", verb::serve, "Run a node", "weir serve -c weir.yaml --set node.id=n2");
    serve
        ->add_option(
            "-c,--config", into_.files, "Configuration file, YAML, 1 MiB at most; later ones win"
        )
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
    add_key(add_client("owner", verb::owner, "Show which node keeps a key", "weir owner users 42"));
  }

  void add_cluster_commands() {
    auto* ring = add_client(
        "ring", verb::ring, "Show how the keys are spread", "weir ring --simulate add=n4"
    );
    ring->add_option(
            "--simulate",
            into_.simulate,
            "What would move: add=ID, add=ID*WEIGHT (1 to 1000) or remove=ID"
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
    add_client("stats", verb::stats, "Show what the keyspaces of a node did", "weir stats");
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
    for (auto* each : {check, show}) {
      each->add_option("FILE", into_.files, "Files; later ones win")->required();
      add_sets(each);
    }
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

/// The command that was reached, and how it is called.
struct reached {
  const CLI::App* command;
  std::string path = "weir";
};

reached reached_in(const CLI::App& app) {
  reached at{&app};
  while (!at.command->get_subcommands().empty()) {
    at.command = at.command->get_subcommands().front();
    at.path += ' ' + at.command->get_name();
  }
  return at;
}

/// What to say about the first word that is no command where one is needed.
std::string unknown_command(const CLI::App& app, const reached& at) {
  const auto words = at.command->remaining();
  if (at.command->get_require_subcommand_min() == 0 || words.empty()) return {};
  const auto& word = words.front();
  auto text =
      '"' + printable(word) + "\" is not " + (word.starts_with('-') ? "an option" : "a command");
  const auto is_called = [&](const CLI::App* each) { return each->get_name() == word; };
  for (const auto* each : app.get_subcommands([](const CLI::App*) { return true; })) {
    const auto below = each->get_subcommands([](const CLI::App*) { return true; });
    if (std::any_of(below.begin(), below.end(), is_called))
      text += "; did you mean weir " + each->get_name() + ' ' + word;
  }
  return text;
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
    const auto at = reached_in(app);
    const auto unknown = unknown_command(app, at);
    return usage_error(at.path, unknown.empty() ? wrong.what() : unknown);
  }
  if (read.keys.size() > most_keys)
    return usage_error(reached_in(app).path, "more than 1000 keys; ask for them in several calls");
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
