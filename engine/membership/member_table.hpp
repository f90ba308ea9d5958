#pragma once

#include "agreement/agreement.hpp"
#include "agreement/engine_context.hpp"
#include "membership/health.hpp"
#include "membership/serving_mark.hpp"
#include "membership/settings_drift.hpp"

#include <weir/engine/membership.hpp>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace weir {

/// The nodes that own slots: those with weight, or all when none has any.
std::set<std::string> owners_of(const routing& route);

/// The nodes of the cluster, as this node sees them: candidates from discovery and from peers,
/// proven by handshakes, judged by probes. Publishes the routing after each change.
///
/// A peer stays in the ring whatever its health. It leaves when it says so, when discovery has
/// dropped it and it does not answer, or when a majority has removed it (member_gone). It owns
/// slots from its first lease on until it says that it leaves. Thread-safe; calls the network, the
/// listeners and the agreement without holding its lock, the keyspaces while it does.
class member_table final : public member_links, public std::enable_shared_from_this<member_table> {
 public:
  member_table(
      std::shared_ptr<engine_context> context,
      std::shared_ptr<agreement> agreed,
      ring_settings ring,
      health_settings settings
  );

  /// Publishes the routing of a lone node.
  void begin();

  /// Dials the candidates and starts to probe.
  void start_probing();
  void stop();

  void set_candidates(std::vector<candidate> candidates);
  void learn(const std::vector<member>& members) override;
  void link_up(const std::string& address, const identity& peer);
  void link_down(const std::string& address, link_loss cause);
  /// A node that no other node named introduced itself. This node dials few of them at a time, and
  /// not for long: a legitimate one introduces itself with every heartbeat.
  void peer_seen(const identity& peer);
  void peer_leaves(const identity& peer);

  void member_gone(const std::string& id) override;

  void ping(const std::string& id) override;

  /// At most once per 50 ms; calls in between do nothing.
  void ping_everyone() override;

  /// Whether this node takes slots: not before its first lease, because no node caches what an
  /// owner without a lease loads. Where others had slots first it takes them a second later, so
  /// that a lease that does not last moves none. Tells every node.
  void may_take_slots(bool may) override;

  /// Gives the slots of this node to the others for good; it stays a member.
  void give_up_slots();

  /// Whether this node took slots since it began, under a lease as always.
  bool has_had_slots() const;

  /// A peer of that life has told how often it took or gave up its slots; messages may overtake
  /// each other.
  void slots_told(const std::string& id, std::uint64_t incarnation, std::uint32_t turns);
  std::uint32_t slot_turns() const;

  /// A peer of that life has told that it is about to leave.
  void draining_told(const std::string& id, std::uint64_t incarnation);
  bool is_draining() const;

  /// Others refuse this node for its id.
  void id_taken(const id_conflict& found);
  std::optional<id_conflict> conflict() const;

  const settings_drift& drift() const noexcept { return drift_; }

  /// True if this node has had slots for a while and no node keeps a place for those of `who`.
  bool is_latecomer(const identity& who) const;

  std::string address_of(const std::string& id) const override;
  void report(const cluster_event& event) const override;

  std::vector<member_status> status() const;
  std::vector<std::string> linked_addresses() const;

  /// The ids of those that answer.
  std::vector<std::string> reachable() const;
  void on_event(std::function<void(const cluster_event&)> listener);

 private:
  struct peer {
    std::string id;  ///< as discovery named it or the handshake proved it; empty while unknown
    std::string address;
    std::uint64_t incarnation = 0;
    std::uint32_t weight = 1;
    bool is_from_discovery = false;
    bool is_dropped = false;  ///< discovery named it once, and does not any more
    serving_mark mark;        ///< since discovery named it
    bool was_met = false;     ///< a handshake proved which node is there
    bool is_linked = false;
    bool has_left = false;  ///< off the ring: it said so, or a majority removed it
    bool has_said_goodbye = false;
    bool is_draining = false;      ///< as its heartbeats say
    bool is_stranger = false;      ///< named by nothing but its own word, and not proven
    std::string told_id;           ///< as others name it; for people only
    std::uint32_t slot_turns = 0;  ///< as its heartbeats say: odd = it takes slots
    bool keeps_place = false;      ///< its former life had slots until this one began
    weir::health health;
    time_point heard{};  ///< when it was last linked and not unreachable, to a round of heartbeats
    std::chrono::microseconds rtt{0};
    std::string last_failure;
    time_point failed_at{};
    member_state shown = member_state::unproven;
    time_point shown_since{};
    int early_pings = 0;  ///< since the link is up, ahead of the next round
  };

  /// What to do after the lock is released.
  struct actions {
    std::vector<std::string> connect;
    std::vector<std::string> disconnect;
    std::vector<std::string> abandon;
    std::vector<cluster_event> events;
    std::vector<std::string> linked;  ///< ids whose links changed
  };

  enum class verdict { counts, void_if_missed };
  enum class named_by { member, itself };

  static bool takes_slots(std::uint32_t turns) { return turns % 2 != 0; }

  static bool is_there(const peer& of) {
    return of.is_linked && of.health.now != health::state::unreachable;
  }

  static member_state shown_state(const peer& of);
  member_status status_of(const peer& of, const routing& route, time_point now) const;
  void learn(const std::vector<member>& members, named_by whom);
  peer& peer_at(const std::string& address, actions& todo);
  void told(serving_mark& of, const candidate& by, milliseconds heeded) const;
  void judge(peer& of, health_event event, time_point now, actions& todo);
  void publish();
  void tell_ring_later();
  void tell_ring();
  void ask_again_soon(const std::string& address);
  void compare_settings(time_point now, actions& todo);
  void end_near_of_others(const routing& before, const routing& now);
  void tell_slots(bool are_taken);
  void told_as_latecomer();
  void run(actions& todo);
  void probe_all();
  void probe(const std::string& address, verdict misses);

  std::set<std::string> silent_members(const std::vector<std::string>& everyone, time_point now);
  named_nodes named() const;

  const std::shared_ptr<engine_context> context_;
  const std::shared_ptr<agreement> agreed_;
  const ring_settings ring_settings_;
  const health_settings settings_;
  mutable std::mutex mutex_;
  std::map<std::string, peer> peers_;  ///< by address
  serving_mark own_mark_;
  bool is_marked_ = false;  ///< discovery marked a node in its last answer
  std::function<void(const cluster_event&)> listener_;
  /// Members that count but that this node does not dial.
  std::map<std::string, time_point> unknown_since_;
  time_point next_probe_{};
  time_point next_round_{};  ///< ping_everyone() does nothing before it
  timer_id timer_ = 0;
  std::uint32_t slot_turns_ = 1;    ///< odd = this node takes slots, as a lone one does
  bool has_had_slots_ = true;       ///< this node, since it began
  bool is_latecomer_ = false;       ///< others had slots for a while before this node had any
  time_point slots_since_{};        ///< of the latest turn
  milliseconds slots_wait_{1'000};  ///< from the lease on; doubles when removed with slots
  timer_id slots_timer_ = 0;
  bool gives_up_slots_ = false;
  bool is_stopped_ = false;
  std::set<std::string> ring_told_;  ///< the owners of slots when they were last reported
  timer_id ring_timer_ = 0;
  settings_drift drift_;
  std::optional<id_conflict> conflict_;
  time_point conflict_at_{};
  time_point conflict_told_{};
};

}  // namespace weir
