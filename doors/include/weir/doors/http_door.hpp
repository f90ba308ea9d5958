#pragma once

#include <weir/doors/admin_action.hpp>
#include <weir/doors/door_token.hpp>
#include <weir/engine/api.hpp>
#include <weir/engine/engine.hpp>
#include <weir/transport/http_server.hpp>
#include <weir/transport/metrics_text.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace weir WEIR_API {

enum class check_state : std::uint8_t {
  passed,
  noted,   ///< worth showing, but ready all the same: a lost lease
  failed,  ///< not ready
};

/// One line of `/readyz?verbose`.
struct readiness_check {
  std::string name;  ///< "listeners"
  check_state state = check_state::passed;
  std::string detail;  ///< what is wrong, in words; empty if nothing is
};

/// What the door shows beside the engine. All hooks are called on event loops, on several at once,
/// and must not block.
struct door_options {
  std::string version = "0.0.0";  ///< of the program, for /cluster and weir_build_info
  std::string revision;           ///< of its sources; empty = unknown
  ring_settings ring;             ///< as given to the engine, for /cluster/ring

  /// The door is for this machine only: without tokens, requests for another host are refused.
  bool is_local = false;

  /// When the process started, for the metrics.
  std::chrono::system_clock::time_point started = std::chrono::system_clock::now();

  /// What `/readyz` asks; ready when none failed. Empty = always ready.
  std::function<std::vector<readiness_check>()> readiness;

  /// What `/readyz?settled` asks besides. Empty = settled when ready.
  std::function<readiness_check()> settling;

  /// Adds families of its own to `/metrics`; their names must not be the door's. May be empty.
  std::function<void(metrics_text&)> metrics;

  /// POST /cluster/reload and /cluster/drain. Empty = this program offers none: 405.
  admin_action reload;
  admin_action drain;
};

/// Answers HTTP requests from an engine: data under `/v1/`, the node's view under `/cluster`,
/// `/livez`, `/readyz` and `/metrics`. docs/http.md is its reference.
///
/// A hit is answered in try_handle(): no coroutine, and no allocation once a connection is warm.
/// Thread-safe. `of` must outlive it, and it must outlive the last run of the server's loops.
class http_door final : public http_handler {
 public:
  explicit http_door(engine& of, door_options options = {});
  ~http_door() override;

  http_door(const http_door&) = delete;
  http_door& operator=(const http_door&) = delete;

  bool try_handle(const http_request& request, http_response& response) override;
  asio::awaitable<http_response> handle(const http_request& request) override;
  std::uint64_t body_limit(const http_request& request) const override;
  bool may_be_large(const http_request& request) const override;

  /// From now on the door asks for these tokens, everywhere but at /livez and /readyz; without any,
  /// as at first, it asks for none. At any time.
  void set_tokens(const std::vector<door_token>& tokens);

  /// Counts an event for the metrics; give it what engine::on_event() reports.
  void note(const cluster_event& event) noexcept;

  /// What this node did, in JSON: its part of `/cluster/stats`. Give it to engine::set_report().
  std::string report() const;

  /// What `/metrics` answers.
  std::string metrics() const;

 private:
  struct impl;
  const std::unique_ptr<impl> impl_;
};

}  // namespace weir
