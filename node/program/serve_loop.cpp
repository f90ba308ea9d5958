#include "program/serve_loop.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <csignal>
#include <cstdlib>

namespace weir {
namespace {

constexpr milliseconds last_words{300};   // for the log, when the program ends at once
constexpr milliseconds same_signal{100};  // timeout(1) sends one to the process, one to its group
constexpr milliseconds until_ready{50};   // between two looks at whether the node is ready
constexpr std::chrono::seconds between_status{10};

}  // namespace

/// A round through every event loop: the supervisor is told that the program is alive when all have
/// answered.
struct serve_loop::heartbeat {
  explicit heartbeat(std::size_t loops) : waits_for(loops) {}

  std::atomic<std::size_t> waits_for;
};

serve_loop::serve_loop(
    config::load_request request, const service_manager::variable& of_environment
)
    : request_(std::move(request)), manager_(of_environment) {
  wait_for_signal();
}

serve_loop::~serve_loop() {
  if (drainer_.joinable()) drainer_.join();
}

admin_action serve_loop::reload_action() {
  return [this](completion<admin_outcome> done) {
    asio::post(loop_, [this, done = std::move(done)]() mutable { std::move(done)(reload()); });
  };
}

admin_action serve_loop::drain_action() {
  return [this](completion<admin_outcome> done) {
    asio::post(loop_, [this, done = std::move(done)]() mutable { drain(std::move(done)); });
  };
}

bool serve_loop::is_asked_to_end() {
  loop_.poll();
  return std::any_of(early_.begin(), early_.end(), [](int each) { return each != SIGHUP; });
}

void serve_loop::run(served_node& served, log_writer& log) {
  served_ = &served;
  log_ = &log;
  for (const auto each : early_) take(each);
  tick();
  loop_.run();
}

void serve_loop::wait_for_signal() {
  signals_.async_wait([this](const error_code& failed, int number) {
    if (failed) return;
    take(number);
    wait_for_signal();
  });
}

void serve_loop::take(int signal) {
  if (served_ == nullptr) return early_.push_back(signal);
  if (signal == SIGHUP) {
    reload();
  } else if (!drainer_.joinable()) {
    drain();
  } else if (clock::now() - drains_since_ >= same_signal) {
    (*log_)({log_level::warn, "node.killed", {{"detail", "a second signal: stopping at once"}}});
    end_now(exit_code::failure);
  }
}

admin_outcome serve_loop::reload() {
  if (drainer_.joinable()) return {errc::unavailable, "nothing was changed; the node is draining"};
  manager_.reloading();
  auto outcome = served_->reload(config::load(request_, config::process_outside()));
  manager_.ready(status());
  return outcome;
}

void serve_loop::drain(completion<admin_outcome> done) {
  if (drainer_.joinable()) {
    if (done) std::move(done)(admin_outcome{errc::unavailable, "the node is draining already"});
    return;
  }
  drains_since_ = clock::now();
  manager_.stopping("draining");
  watch_drain();
  drainer_ = std::thread([this, done = std::move(done)]() mutable {
    served_->drain([&done](std::size_t entries) {
      if (done)
        std::move(done)(admin_outcome{{}, "handed over " + std::to_string(entries) + " entries"});
    });
    asio::post(loop_, [this] {
      signals_.cancel();
      deadline_.cancel();
      ticker_.cancel();
      loop_.stop();
    });
  });
}

void serve_loop::watch_drain() {
  deadline_.expires_after(served_->settings().node.drain_timeout);
  deadline_.async_wait([this](const error_code& failed) {
    if (failed) return;
    const auto* detail = "drain_timeout is over; sources were still running";
    (*log_)({log_level::warn, "node.stopped", {{"detail", detail}}});
    end_now(exit_code::ok);
  });
}

void serve_loop::end_now(exit_code code) {
  log_->flush(last_words);
  std::_Exit(static_cast<int>(code));
}

void serve_loop::tick() {
  if (!manager_.is_there()) return;
  const bool is_first = !was_ready_ && served_->node().is_ready();
  if (is_first) manager_.ready(status());
  was_ready_ = was_ready_ || is_first;
  clock::duration next = until_ready;
  if (was_ready_) {
    beat();
    next = manager_.watchdog() ? *manager_.watchdog() / 2 : between_status;
  }
  ticker_.expires_after(next);
  ticker_.async_wait([this](const error_code& failed) {
    if (!failed) tick();
  });
}

void serve_loop::beat() {
  const auto loops = served_->node().loops();
  const auto round = std::make_shared<heartbeat>(loops.size());
  for (auto* each : loops) {
    asio::post(*each, [this, round] {
      if (round->waits_for.fetch_sub(1) != 1) return;
      asio::post(loop_, [this] { manager_.alive(status()); });
    });
  }
}

std::string serve_loop::status() const {
  if (drainer_.joinable()) return "draining";
  const auto lease = served_->node().lease();
  auto text = "ready, " + std::to_string(served_->node().keyspaces().size()) + " keyspaces, ";
  if (lease.is_lone) return text + "a lone node";
  if (!lease.is_valid) return text + (lease.why.empty() ? "no lease" : lease.why);
  return text + "lease from " + std::to_string(lease.granted) + " of " +
         std::to_string(lease.members) + " members";
}

}  // namespace weir
