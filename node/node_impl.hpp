#pragma once

#include "event_hub.hpp"
#include "node_tls.hpp"
#include "settled.hpp"

#include <weir/doors/http_door.hpp>
#include <weir/node/node.hpp>
#include <weir/transport/http_server.hpp>
#include <weir/transport/peer_link.hpp>
#include <weir/transport/reply_budget.hpp>

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace weir {

/// Only ever goes forward.
enum class phase { made, started, draining, stopped };

/// The parts of a node, and the steps of its start and its end.
struct node::impl {
  using outcome = boost::system::result<void, start_error>;

  explicit impl(node_options given);

  identity own_identity() const;
  door_options door_settings();

  void append_metrics(metrics_text& out) const;
  std::vector<readiness_check> readiness() const;
  readiness_check settling();
  // start() in call order; take_candidates() runs whenever the provider answers.
  outcome open_peer_door();
  void find_candidates();
  void take_candidates(result<std::vector<candidate>> found);
  void forget_marks();
  outcome open_http_door();
  void meet_peers();
  std::size_t hand_over(milliseconds longest);

  void stop();

  const node_options options;
  const std::shared_ptr<event_hub> hub;
  const std::shared_ptr<reply_budget> replies;
  runtime threads;
  const std::shared_ptr<node_tls> tls;
  engine core;
  http_door door;
  std::unique_ptr<peer_link_network> network;
  std::unique_ptr<http_server> server;
  std::atomic<phase> now{phase::made};
  time_point started_at = threads.now();  // set before the doors open
  std::atomic<bool> was_settled{false};
  std::atomic<bool> was_discovery_answered{false};
  std::atomic<bool> is_discovery_failing{true};
  bool is_discovering = false;

  std::mutex candidates_mutex;  // held while the engine hears of them, so that their order stays
  std::vector<candidate> candidates;
  bool is_named = false;          // discovery has answered, even if with an empty list
  std::string discovery_trouble;  // last logged discovery error, still ongoing

  /// The same for health checks.
  struct trouble {
    std::string text;  // empty = none
    time_point since{};
  };

  readiness_check discovery_check() const;
  readiness_check id_check() const;
  void note_trouble(std::string text);

  mutable std::mutex trouble_mutex;
  trouble discovery_state;
  std::atomic<std::int64_t> discovery_answered_at{0};  // in ms of the wall clock; 0 = never
  bool meets_peers = false;

  mutable std::mutex addresses_mutex;
  std::string peer_address;
  std::string http_address;
};

}  // namespace weir
