#pragma once

#include "tests/sim/world/sim_environment.hpp"
#include "tests/sim/world/sim_fabric.hpp"

#include <weir/engine/peer.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace weir::sim {

/// The peer network of one incarnation of one node, over the fabric.
///
/// Keeps the contract of peer_network: one completion per call, errc::unavailable when the link is
/// lost or missing, errc::deadline_exceeded at the deadline by the node's own clock.
class sim_network final : public peer_network {
 public:
  sim_network(fabric& wires, sim_environment& env, identity self);
  ~sim_network() override;

  /// From now on this node accepts links and requests.
  void listen(peer_handler& handler);

  void connect(const std::string& address) override;
  void disconnect(const std::string& address) override;
  void call(
      const std::string& address,
      peer_request request,
      time_point deadline,
      completion<result<peer_reply>> done
  ) override;
  void call_watched(
      const std::string& address,
      peer_request request,
      time_point deadline,
      completion<result<peer_reply>> done,
      std::shared_ptr<call_watcher> watcher
  ) override;
  time_point heard(const std::string& address) const override;
  void abandon(const std::string& address) override;

  /// Takes the node off the wires. Pending calls are destroyed without completion.
  void crash(going_down how);

  bool is_linked(const std::string& address) const;

  const identity& self() const noexcept { return self_; }

  sim_environment& environment() noexcept { return env_; }

  // For the fabric only: all on this node's turn.
  bool accepts(const identity& from) const;
  void on_accepted(const identity& from);
  void on_dialled(
      const std::string& address, std::uint64_t attempt, fabric::link_id link, const identity& peer
  );
  void on_dial_failed(const std::string& address, std::uint64_t attempt, link_loss cause);
  void on_request(
      fabric::link_id link,
      std::uint64_t request,
      const identity& from,
      peer_request body,
      bool duplicate
  );
  void on_reply(const std::string& address, std::uint64_t request, peer_reply body);
  void on_loading(const std::string& address, std::uint64_t request);
  void on_link_lost(const std::string& address, fabric::link_id link, link_loss cause);

 private:
  struct peer {
    fabric::link_id link = 0;   // 0 = none
    std::uint64_t attempt = 0;  // 0 = not dialling
    event_id redial = 0;
    duration backoff{0};
    time_point heard{};  // on this link, by the node's clock
  };

  struct call_in_flight {
    std::string address;
    completion<result<peer_reply>> done;
    std::shared_ptr<call_watcher> watcher;
    event_id deadline;
  };

  void dial(const std::string& address);
  void dial_later(const std::string& address, peer& to);
  void finish(std::uint64_t request, result<peer_reply> outcome);
  void fail_all(const std::string& address);
  void note_heard(const std::string& address);

  fabric& wires_;
  sim_environment& env_;
  const identity self_;
  random_stream random_;
  peer_handler* handler_ = nullptr;
  std::map<std::string, peer> peers_;
  std::map<std::uint64_t, call_in_flight> calls_;
  std::uint64_t last_request_ = 0;
  std::uint64_t last_attempt_ = 0;
};

}  // namespace weir::sim
