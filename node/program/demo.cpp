// weir demo
#include "program/commands.hpp"
#include "program/demo_cluster.hpp"
#include "program/text_table.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <ostream>

namespace weir {
namespace {

constexpr std::size_t herd_size = 300;

std::string herd_line(const demo_cluster::herd_result& herd) {
  return std::to_string(herd.answers) + " answers in " +
         time_text(static_cast<double>(herd.took.count())) + ", " + std::to_string(herd.loads) +
         (herd.loads == 1 ? " call" : " calls") + " of the source";
}

void title(const console& to, std::string_view text) {
  to.out << '\n' << tinted(to, tint::strong, text) << '\n';
}

void show_nodes(const demo_cluster& cluster, const console& to) {
  text_table table({{"node"}, {"http"}, {"peers"}});
  for (std::size_t i = 0; i != cluster.size(); ++i) {
    const auto& each = cluster.at(i);
    table.add({each.id(), "http://" + each.http_address(), each.peer_address()});
  }
  table.print(to);
}

command_line ask(verb command) {
  command_line line;
  line.command = command;
  line.keyspace = "users";
  line.keys = {"42"};
  line.explain = true;
  return line;
}

/// The same as the command line would show, asked over HTTP.
exit_code show(command_line line, const node& from, const console& to) {
  line.server = "http://" + from.http_address();
  return run_command(
      line, [](auto request) { return http_fetch(std::move(request)); }, to
  );
}

exit_code tour(demo_cluster& cluster, const console& to) {
  to.out << "Three nodes in this process share one keyspace, users, over a source that takes "
         << time_text(std::chrono::duration<double, std::micro>(demo_cluster::source_delay).count())
         << " a load.\n";
  show_nodes(cluster, to);

  title(
      to,
      "1. A herd: " + std::to_string(herd_size) +
          " gets of users/42 at once, through all three nodes"
  );
  const auto cold = cluster.herd("42", herd_size);
  to.out << herd_line(cold) << '\n';
  title(to, "2. The same again");
  to.out << herd_line(cluster.herd("42", herd_size)) << '\n';

  const auto& other = cluster.not_owner_of("42");
  title(to, "3. Where does it come from? weir get users 42 --explain, asked at " + other.id());
  auto code = show(ask(verb::get), other, to);
  if (code != exit_code::ok) return code;

  title(to, "4. Who keeps what? weir ring");
  code = show(ask(verb::ring), other, to);
  if (code != exit_code::ok) return code;

  title(to, "5. The value changed: weir invalidate users 42, then the herd again");
  code = show(ask(verb::invalidate), other, to);
  const auto again = cluster.herd("42", herd_size);
  to.out << herd_line(again) << '\n';
  const bool is_as_promised = cold.answers == herd_size && cold.loads == 1 && again.loads == 1;
  return code == exit_code::ok && !is_as_promised ? exit_code::failure : code;
}

void wait_for_interrupt() {
  asio::io_context loop;
  asio::signal_set signals(loop, SIGINT, SIGTERM);
  signals.async_wait([](const error_code&, int) {});
  loop.run();
}

}  // namespace

exit_code run_demo(const command_line& line, const console& to) {
  std::signal(SIGPIPE, SIG_IGN);
  demo_cluster cluster;
  if (const auto started = cluster.start(); !started) {
    return report(to, "demo", {exit_code::cannot_bind, started.error().text});
  }
  const auto code = tour(cluster, to);
  if (line.once || code != exit_code::ok) return code;
  const auto url = "http://" + cluster.at(0).http_address();
  title(to, "Try it yourself");
  to.out << "  curl -i " << url << "/v1/users/7\n"
         << "  curl -X PURGE " << url << "/v1/users/7\n"
         << "  WEIR_SERVER=" << url << " weir get users 7 --explain\n"
         << "Ctrl-C ends it." << std::endl;
  wait_for_interrupt();
  return exit_code::ok;
}

}  // namespace weir
