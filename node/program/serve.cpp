// weir serve
#include "check_sources.hpp"
#include "program/commands.hpp"
#include "program/serve_loop.hpp"
#include "version.hpp"

#include <weir/config/print.hpp>

#include <csignal>
#include <cstdlib>
#include <unistd.h>

namespace weir {
namespace {

using steady_clock = std::chrono::steady_clock;

std::optional<std::string> environment_variable(std::string_view name) {
  const char* found = std::getenv(std::string(name).c_str());
  return found != nullptr ? std::optional<std::string>(found) : std::nullopt;
}

log_style style_of(config::log_format format, int descriptor) {
  if (format == config::log_format::automatic) {
    return ::isatty(descriptor) != 0 ? log_style::logfmt : log_style::json;
  }
  return format == config::log_format::json ? log_style::json : log_style::logfmt;
}

/// "weir 0.1.0: node n1 of cluster demo, http http://127.0.0.1:7421, ..., ready in 12 ms"
void print_banner(const served_node& served, steady_clock::time_point began, const console& to) {
  const auto& node = served.node();
  const auto took = std::chrono::duration_cast<milliseconds>(steady_clock::now() - began);
  to.out << "weir " << version_text << ": node " << node.id() << " of cluster "
         << served.settings().cluster << ", http "
         << (served.settings().listen.http.cert ? "https://" : "http://") << node.http_address();
  if (!node.peer_address().empty()) to.out << ", peers " << node.peer_address();
  to.out << ", keyspaces " << node.keyspaces().size() << ", ready in " << took.count() << " ms"
         << std::endl;
}

}  // namespace

exit_code run_serve(const command_line& line, const console& to) {
  const auto began = steady_clock::now();
  if (line.files.empty() && line.sets.empty()) {
    const auto* text = "there is no configuration; give a file, as in weir serve -c weir.yaml";
    return report(to, "serve", {exit_code::usage, text});
  }
  serve_loop signals({.files = line.files, .sets = line.sets}, environment_variable);
  const config::load_request request{.files = line.files, .sets = line.sets};
  auto loaded = config::load(request, config::process_outside());
  to.err << config::format_problems(loaded.problems) << std::flush;
  if (!loaded.settings) return exit_code::bad_configuration;
  if (line.print_only) {
    to.out << config::show(*loaded.settings);
    return exit_code::ok;
  }
  if (line.check_only) {
    to.out << summary_of(*loaded.settings);
    return exit_code::ok;
  }
  const auto known = loaded.problems.size();
  check_sources(loaded, look_up::nothing);
  const std::vector found(
      loaded.problems.begin() + static_cast<std::ptrdiff_t>(known), loaded.problems.end()
  );
  to.err << config::format_problems(found) << std::flush;
  if (!loaded.settings) return exit_code::bad_configuration;
  std::signal(SIGPIPE, SIG_IGN);
  const auto& logging = loaded.settings->log;
  log_writer log(STDERR_FILENO, style_of(logging.format, STDERR_FILENO), level_from(logging.level));
  std::unique_ptr<served_node> served;
  try {
    served = std::make_unique<served_node>(
        *loaded.settings, log, served_actions{signals.reload_action(), signals.drain_action()}
    );
  } catch (const std::invalid_argument& wrong) {
    std::string_view why = wrong.what();
    if (why.starts_with("weir: ")) why.remove_prefix(6);  // the command's name says it
    return report(to, "serve", {exit_code::bad_configuration, std::string(why)});
  }
  if (signals.is_asked_to_end()) return exit_code::ok;
  if (const auto started = served->start(); !started) {
    return report(to, "serve", {exit_code::cannot_bind, started.error().text});
  }
  print_banner(*served, began, to);
  signals.run(*served, log);
  return exit_code::ok;
}

}  // namespace weir
