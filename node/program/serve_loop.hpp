#pragma once

#include "program/command_line.hpp"
#include "program/log_writer.hpp"
#include "program/served_node.hpp"
#include "program/service_manager.hpp"

#include <weir/config/load.hpp>
#include <weir/doors/admin_action.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

namespace weir {

/// The main thread of `weir serve`: signals, what operators ask for at the door, and the
/// supervisor.
///
/// Signals are caught from the constructor on. One that comes during the start is kept: SIGHUP
/// until the node runs, SIGTERM and SIGINT end the start (is_asked_to_end()).
class serve_loop {
 public:
  explicit serve_loop(
      config::load_request request, const service_manager::variable& of_environment
  );
  ~serve_loop();

  serve_loop(const serve_loop&) = delete;
  serve_loop& operator=(const serve_loop&) = delete;

  /// What the door calls; they do it on the main thread once run() has begun. Thread-safe.
  admin_action reload_action();
  admin_action drain_action();

  /// Whether SIGTERM or SIGINT has come: the start can stop here.
  bool is_asked_to_end();

  /// Serves until the node has drained. Tells the supervisor as soon as the node is ready.
  void run(served_node& served, log_writer& log);

 private:
  using clock = std::chrono::steady_clock;
  struct heartbeat;

  void wait_for_signal();
  void take(int signal);
  admin_outcome reload();
  void drain(completion<admin_outcome> done = {});
  void watch_drain();
  [[noreturn]] void end_now(exit_code code);

  void tick();
  void beat();
  std::string status() const;

  const config::load_request request_;
  service_manager manager_;
  asio::io_context loop_{1};
  asio::signal_set signals_{loop_, SIGTERM, SIGINT, SIGHUP};
  asio::steady_timer deadline_{loop_};
  asio::steady_timer ticker_{loop_};
  served_node* served_ = nullptr;  // null before run()
  log_writer* log_ = nullptr;
  std::vector<int> early_;  // signals of the start
  bool was_ready_ = false;
  clock::time_point drains_since_;
  std::thread drainer_;
};

}  // namespace weir
