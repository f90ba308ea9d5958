#pragma once

#include "agreement/hedge_table.hpp"
#include "agreement/keyspace_set.hpp"
#include "agreement/member_links.hpp"
#include "ring/near_sources.hpp"
#include "ring/routing.hpp"

#include <weir/engine/environment.hpp>
#include <weir/engine/membership.hpp>
#include <weir/engine/peer.hpp>
#include <weir/engine/protocol_rules.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace weir {

class agreement;

/// What the keyspaces of one node share. Made by the engine, kept alive by each keyspace.
struct engine_context {
  explicit engine_context(environment& world) : env(world) {}

  environment& env;
  peer_network* network = nullptr;  ///< null on a lone node
  identity self;
  protocol_rules rules;
  routing_cell route;
  slot_terms terms;
  std::uint64_t hash_seed = 0;          ///< copy of the environment's, for the hit path
  std::uint64_t gutter_epoch = 0;       ///< of every gutter copy of this process
  near_sources near;                    ///< whose copies this node may hold
  std::unique_ptr<hedge_table> hedges;  ///< null = no read is hedged

  /// Until when this node may serve what it keeps; the maximum on a lone node. Written by the
  /// agreement.
  std::atomic<steady_duration::rep> lease_until{time_point::max().time_since_epoch().count()};
  std::atomic<steady_duration::rep> last_tick{0};  ///< when the last heartbeat left
  std::atomic<std::uint64_t> lease_term{1};  ///< changes whenever a lease was lost and came back
  std::atomic<bool> has_kept{false};         ///< something is kept that a change could affect
  std::weak_ptr<agreement> agreed;

  bool has_lease(time_point now) const noexcept {
    return now.time_since_epoch().count() < lease_until.load(std::memory_order_acquire);
  }

  /// The term of the lease held at `now`; 0 = none.
  std::uint64_t lease_term_at(time_point now) const noexcept {
    const auto term = lease_term.load(std::memory_order_acquire);
    return has_lease(now) ? term : 0;
  }

  void note_kept() noexcept {
    if (!has_kept.load(std::memory_order_relaxed)) has_kept.store(true, std::memory_order_release);
  }

  bool needs_lease() const noexcept {
    return lease_until.load(std::memory_order_acquire) !=
           time_point::max().time_since_epoch().count();
  }

  // The parts of a node that others call; set by the engine before use. Locked for each call: a
  // keyspace may outlive its engine.
  std::weak_ptr<keyspace_set> keyspaces;
  std::weak_ptr<member_links> members;

  /// Tells the listeners of this node's events.
  void report(const cluster_event& event) const {
    if (const auto links = members.lock()) links->report(event);
  }

  /// Another node changed a key, `on_the_way` ago at most.
  void apply_record(const change_record& record, milliseconds on_the_way) const {
    if (const auto all = keyspaces.lock()) all->apply_record(record, on_the_way);
  }

  /// Another node told which members it knows.
  void learn(const std::vector<member>& view) const {
    if (const auto links = members.lock()) links->learn(view);
  }
};

}  // namespace weir
