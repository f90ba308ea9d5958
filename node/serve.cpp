// weir serve
#include "commands.hpp"
#include "served_node.hpp"
#include "version.hpp"

#include <weir/config/print.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <csignal>
#include <cstdlib>
#include <thread>
#include <unistd.h>

namespace weir {
namespace {

using steady_clock = std::chrono::steady_clock;

constexpr milliseconds last_words{300};   // for the log, when the program ends at once
constexpr milliseconds same_signal{100};  // timeout(1) sends one to the process, one to its group

log_style style_of(config::log_format format, int descriptor) {
  if (format == config::log_format::automatic) {
    return ::isatty(descriptor) != 0 ? log_style::logfmt : log_style::json;
  }
  return format == config::log_format::json ? log_style::json : log_style::logfmt;
}

/// Waits for signals on the main thread, until the node has drained.
class signal_loop {
 public:
  signal_loop(served_node& served, log_writer& log, config::load_request request)
      : served_(served), log_(log), request_(std::move(request)) {
    wait();
  }

  ~signal_loop() {
    if (drainer_.joinable()) drainer_.join();
  }

  void run() { loop_.run(); }

 private:
  void wait() {
    signals_.async_wait([this](const error_code& failed, int number) {
      if (failed) return;
      if (number == SIGHUP) {
        reload();
      } else if (drainer_.joinable()) {
        if (steady_clock::now() - drains_since_ < same_signal) return wait();
        log_({log_level::warn, "node.killed", {{"detail", "a second signal: stopping at once"}}});
        end_now(exit_code::failure);
      } else {
        drain();
      }
      wait();
    });
  }

  void reload() {
    if (drainer_.joinable()) return;
    served_.reload(config::load(request_, config::process_outside()));
  }

  void drain() {
    drains_since_ = steady_clock::now();
    deadline_.expires_after(served_.settings().node.drain_timeout);
    deadline_.async_wait([this](const error_code& failed) {
      if (failed) return;
      log_(
          {log_level::warn,
           "node.stopped",
           {{"detail", "drain_timeout is over; sources were still running"}}}
      );
      end_now(exit_code::ok);
    });
    drainer_ = std::thread([this] {
      served_.drain();
      asio::post(loop_, [this] {
        signals_.cancel();
        deadline_.cancel();
      });
    });
  }

  [[noreturn]] void end_now(exit_code code) {
    log_.flush(last_words);
    std::_Exit(static_cast<int>(code));
  }

  served_node& served_;
  log_writer& log_;
  const config::load_request request_;
  asio::io_context loop_{1};
  asio::signal_set signals_{loop_, SIGTERM, SIGINT, SIGHUP};
  asio::steady_timer deadline_{loop_};
  steady_clock::time_point drains_since_;
  std::thread drainer_;
};

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
    return report(to, "serve", {exit_code::bad_configuration, text});
  }
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
  std::signal(SIGPIPE, SIG_IGN);
  const auto& logging = loaded.settings->log;
  log_writer log(STDERR_FILENO, style_of(logging.format, STDERR_FILENO), level_from(logging.level));
  std::unique_ptr<served_node> served;
  try {
    served = std::make_unique<served_node>(*loaded.settings, log);
  } catch (const std::invalid_argument& wrong) {
    std::string_view why = wrong.what();
    if (why.starts_with("weir: ")) why.remove_prefix(6);  // the command's name says it
    return report(to, "serve", {exit_code::bad_configuration, std::string(why)});
  }
  signal_loop signals(*served, log, request);
  if (const auto started = served->start(); !started) {
    return report(to, "serve", {exit_code::cannot_bind, started.error().text});
  }
  print_banner(*served, began, to);
  signals.run();
  return exit_code::ok;
}

}  // namespace weir
